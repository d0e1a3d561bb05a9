import type { Collected } from "./event.ts";
import { type Arrival, type Claims, judged, refuse, refuseUnstorable } from "./judge.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * One event of Snowplow's tracker protocol, as tp2 carries it (docs.snowplow.io, "Snowplow Tracker Protocol"): `eid` is what it is
 * known by. A self-describing event has the name and the schema of its data; an event that names nobody stands for itself.
 */
export function readSnowplow(raw: unknown, arrival: Arrival): Collected {
  return judged({ raw, format: "snowplow" }, arrival, (fields) => claimsOf(fields as Fields));
}

function claimsOf(fields: Fields): Claims {
  const { e, eid, uid, duid, nuid, tnuid, dtm, stm, aid, p, tv, url, page, refr, ua, lang } = fields;
  const described = e === "ue" ? describedIn(fields) : undefined;
  const contexts = encoded(fields.cx, fields.co);
  return {
    eventId: eid,
    type: e === "pv" ? "page" : "track",
    name: described?.name ?? nameOf(fields),
    userId: uid,
    anonymousId: duid ?? nuid ?? tnuid ?? (uid === undefined ? eid : undefined),
    timestamp: milliseconds(fields.ttm ?? dtm),
    sentAt: milliseconds(stm),
    schema: described?.schema,
    properties: described?.data ?? propertiesOf(fields),
    context: {
      app: aid,
      platform: p,
      library: tv,
      page: { url, title: page, referrer: refr },
      userAgent: ua,
      locale: lang,
      ...(contexts !== undefined && { contexts: (contexts as Fields).data }),
    },
  };
}

function nameOf({ e, page, se_ac }: Fields): unknown {
  if (e === "pv") return page;
  if (e === "se") return se_ac;
  if (e === "pp") return "page_ping";
  return refuse("unknownType", "e must be one of pv, pp, se, ue");
}

function propertiesOf({
  e,
  url,
  refr,
  page,
  se_ca,
  se_ac,
  se_la,
  se_pr,
  se_va,
  pp_mix,
  pp_max,
  pp_miy,
  pp_may,
}: Fields): Fields {
  if (e === "se") return { category: se_ca, action: se_ac, label: se_la, property: se_pr, value: se_va };
  if (e === "pp") return { url, xMin: pp_mix, xMax: pp_max, yMin: pp_miy, yMax: pp_may };
  return { url, referrer: refr, title: page };
}

/** {"schema":"iglu:…/unstruct_event/…","data":{"schema":"iglu:vendor/name/jsonschema/1-0-0","data":{…}}} */
function describedIn(fields: Fields) {
  const inner = (encoded(fields.ue_px, fields.ue_pr) as Fields | undefined)?.data as Fields | undefined;
  const [, vendor, name, version] = /^iglu:([^/]+)\/([^/]+)\/[^/]+\/(\d+-\d+-\d+)$/.exec(String(inner?.schema)) ?? [];
  if (version === undefined)
    refuse("wrongType", "a self-describing event names its schema as iglu:vendor/name/jsonschema/1-0-0");
  return { name, schema: `${vendor}/${name}/${version}`, data: inner?.data };
}

/** JSON that travels as base64url or as text. */
function encoded(base64: unknown, text: unknown): unknown {
  if (base64 === undefined && text === undefined) return undefined;
  const value = jsonIn(base64 === undefined ? String(text) : Buffer.from(String(base64), "base64url").toString("utf8"));
  refuseUnstorable(value);
  return value;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse("unreadable", "what is encoded in the event is no JSON");
  }
}

/** Trackers send milliseconds as text. */
function milliseconds(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
}
