import { createHash } from "node:crypto";
import { type Collected, eventBytesMax } from "./event.ts";
import { type Arrival, judged, refuse } from "./judge.ts";
import { type PseudonymKey, pseudonymOf } from "./pseudonyms.ts";
import { refuseRepeated, repeatedKeys } from "./repeated.ts";
import { readSegment } from "./segment.ts";

/** A line of a file, and how many lines like it came before it. */
export interface Line {
  readonly text: string;
  readonly occurrence: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one line of a file: an event as Segment writes it, a request in a web server's log (Common and Combined Log Format), or a
 * click of 1.usa.gov. What has no id is known by its line, be it an event or refused, so that the same file again brings nothing new; with a key by its pseudonym, since of what is kept
 * beside a digest all but the concealed could be put together, and that be tried.
 */
export function readLine({ text, occurrence }: Line, arrival: Arrival, key?: PseudonymKey): Collected {
  const numbered = `${occurrence}\0${text}`;
  const known = { ...arrival, lineId: key === undefined ? digestOf(numbered) : pseudonymOf(numbered, key) };
  const json = jsonIn(text);
  if (json === undefined) {
    const request = requestIn(text);
    return request === undefined ? refuseText(text, known) : readSegment(request, known);
  }
  const [repeated] = repeatedKeys(text, null).parts.values();
  return repeated === undefined
    ? readSegment(clickIn(json.value) ?? json.value, known)
    : refuseRepeated(repeated, known);
}

function refuseText(text: string, arrival: Arrival): Collected {
  return judged({ raw: {}, text: JSON.stringify(text), format: "segment" }, arrival, () => {
    if (text.length > eventBytesMax) refuse("tooLarge", `the line has more than ${eventBytesMax} characters`);
    return refuse("unreadable", "neither JSON in UTF-8 nor a line of a web server's log");
  });
}

function jsonIn(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** 128 bits of SHA-256. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/**
 * Perhaps server:port, then host ident authuser [date] "request" status bytes "referrer" "agent". Where a dash comes second it is ident: a user's
 * name may have spaces. Behind proxies host is a list; without its bound a line of commas took the square of its length. Old servers write
 * quotes within a request as they came.
 */
const logLine =
  /^(?:(\S*[^\s,]) (?!- ))?((?:\S+, ){0,20}\S+) \S+ ([^[]*?) \[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})\] "((?:[^"\\]|\\.)*|.*?)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?/;
/** What came over TLS to a port without it, or was cut short, is none. */
const requestLine = /^([A-Z-]+) (.+?)(?: (HTTP\/[\d.]+))?$/;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A request in a web server's log (httpd.apache.org/docs/current/logs.html). Who asked is known by the address. */
function requestIn(line: string): Fields | undefined {
  const found = line.length > eventBytesMax ? null : logLine.exec(line);
  if (found === null) return undefined;
  const [
    ,
    server,
    host = "",
    user = "-",
    day,
    month = "",
    year,
    time,
    zone,
    request = "",
    status,
    bytes,
    referrer,
    userAgent,
  ] = found;
  const [, method, path, protocol] = requestLine.exec(request) ?? [];
  const monthNumber = String(months.indexOf(month) + 1).padStart(2, "0");
  return {
    type: "track",
    event: "Request",
    anonymousId: host.split(", ")[0],
    ...(user !== "-" && user !== '""' && { userId: user }),
    timestamp: `${year}-${monthNumber}-${day}T${time}${zone}`,
    properties: {
      ...(method === undefined ? { request } : { method, path, protocol }),
      status: Number(status),
      bytes: bytes === "-" ? 0 : Number(bytes),
      ...(server !== undefined && { server }),
      ...(referrer !== undefined && referrer !== "-" && { referrer }),
    },
    context: userAgent === undefined || userAgent === "-" ? {} : { userAgent },
  };
}

/** A click of 1.usa.gov. It names nobody: clicks from one place by one agent count as one visitor's. */
function clickIn(value: unknown): Fields | undefined {
  const fields = (value ?? {}) as Fields;
  const {
    a: userAgent,
    c: country,
    cy: city,
    tz: timezone,
    al: locale,
    h: link,
    u: url,
    r: referrer,
    t: seconds,
  } = fields;
  if (fields.type !== undefined) return undefined;
  if (typeof url !== "string" || typeof link !== "string" || typeof seconds !== "number") return undefined;
  const visitor = createHash("sha256")
    .update(JSON.stringify([userAgent, country, city, locale]))
    .digest("hex");
  return {
    type: "track",
    event: "Click",
    anonymousId: visitor.slice(0, 32),
    timestamp: seconds * 1_000,
    properties: { ...fields, url, referrer, link },
    context: { userAgent, locale, timezone, location: { country, city } },
  };
}
