import { createHash } from "node:crypto";
import { depthOf } from "./depth.ts";
import { repeatedKeys } from "./repeated.ts";
import { problemIn } from "./sound.ts";

/** Levels that are handed on, to be judged; deeper nesting stays the text that it is. */
const depthMax = 64;
/** Levels that any body of ours may have, around the event, too. */
const carriedDepthMax = 24;

type Fields = Readonly<Record<string, unknown>>;

/**
 * What one line of a file holds: an event as Segment writes it, or any other JSON value, or the line itself where it is no JSON. Known
 * beside Segment's own are web servers' logs (Common and Combined Log Format) and the clicks of 1.usa.gov. What has no id gets one
 * from its text, so that it is known again: of lines that are alike, `occurrence` tells the first, 0, from the next.
 */
export function eventInLine(line: string, occurrence = 0): unknown {
  const found = parsed(line) ?? requestIn(line) ?? line;
  if (typeof found !== "object" || found === null || Array.isArray(found)) return found;
  const fields = found as Fields;
  const event = fields.type === undefined ? (clickIn(fields) ?? fields) : fields;
  return event.messageId === undefined && event.type !== undefined
    ? { ...event, messageId: idOf(line, occurrence) }
    : event;
}

/** What a line holds, where JSON takes it as it is; else the line, for whoever takes it to look into. */
export function carriedLine(line: string, occurrence: number): unknown {
  const event = eventInLine(line, occurrence);
  const isSound =
    typeof event === "object" &&
    depthOf(event, carriedDepthMax) <= carriedDepthMax &&
    isCarried(event, JSON.stringify(event));
  return isSound ? event : line.replaceAll("\0", "\\u0000");
}

function isCarried(event: unknown, text: string): boolean {
  return problemIn(event, text) === null && !text.includes('"prototype":');
}

/** Undefined of what is no JSON, gives a key twice, or would go beyond the stack of whoever walks it. */
function parsed(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return depthOf(value, depthMax) > depthMax || repeatedKeys(line, null).parts.size > 0 ? undefined : value;
  } catch {
    return undefined;
  }
}

/** 128 bits of SHA-256. */
function idOf(line: string, occurrence: number): string {
  return createHash("sha256").update(`${occurrence}\0${line}`).digest("hex").slice(0, 32);
}

/** Perhaps server:port, then host ident authuser [date] "request" status bytes "referrer" "agent". */
const logLine =
  /^(?:(\S+) )?(\S+) \S+ (\S+) \[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?/;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A request in a web server's log (httpd.apache.org/docs/current/logs.html). Who asked is known by the address. */
function requestIn(line: string): Fields | undefined {
  const found = logLine.exec(line);
  if (found === null) return undefined;
  const [
    ,
    server,
    host,
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
  const [method, path, protocol] = request.split(" ");
  const monthNumber = String(months.indexOf(month) + 1).padStart(2, "0");
  return {
    type: "track",
    event: "Request",
    anonymousId: host,
    ...(user !== "-" && { userId: user }),
    timestamp: `${year}-${monthNumber}-${day}T${time}${zone}`,
    properties: {
      method,
      path,
      protocol,
      status: Number(status),
      bytes: bytes === "-" ? 0 : Number(bytes),
      ...(server !== undefined && { server }),
      ...(referrer !== undefined && referrer !== "-" && { referrer }),
    },
    context: userAgent === undefined ? {} : { userAgent },
  };
}

/** A click of 1.usa.gov. It names nobody: clicks from one place by one agent count as one visitor's. */
function clickIn(fields: Fields): Fields | undefined {
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
