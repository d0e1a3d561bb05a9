import { type Collected, eventBytesMax } from "./event.ts";
import { type Arrival, type Claims, judged, refuse } from "./judge.ts";
import { refuseRepeated, repeatedKeys } from "./repeated.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * One call of Segment's HTTP API (segment.com/docs/connections/spec). `messageId` is what it is known by; `traits` of identify
 * and group are its properties. `context.schema` may name a schema.
 */
export function readSegment(raw: unknown, arrival: Arrival): Collected {
  return judged({ raw, format: "segment" }, arrival, (fields) => claimsOf(fields as Fields));
}

/** A line that holds no event that could be read: no JSON, or such as gives a key twice or nests without end. */
export function refuseText(text: string, arrival: Arrival): Collected {
  const [repeated] = isJson(text) ? repeatedKeys(text, null).parts.values() : [];
  if (repeated !== undefined) return refuseRepeated({ ...repeated, text }, arrival);
  return judged({ raw: {}, text: JSON.stringify(text), format: "segment" }, arrival, () => {
    if (isJson(text)) refuse("tooDeep", "the line is nested too deep to be read");
    if (text.length > eventBytesMax) refuse("tooLarge", `the line has more than ${eventBytesMax} characters`);
    return refuse("unreadable", "neither JSON in UTF-8 nor a line of a web server's log");
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function claimsOf(fields: Fields): Claims {
  if (fields.type === undefined && fields.messageId === undefined) {
    refuse("unknownShape", `it has no type, only ${Object.keys(fields).slice(0, 5).join(", ") || "nothing"}`);
  }
  const { type, event, name, context, previousId, groupId, traits } = fields;
  const named = (context as Fields | null | undefined)?.schema;
  const told = { ...(previousId !== undefined && { previousId }), ...(groupId !== undefined && { groupId }) };
  const properties = fields.properties ?? traits;
  const joins = Object.keys(told).length > 0 && (properties === undefined || typeof properties === "object");
  return {
    eventId: fields.messageId,
    type,
    name: type === "track" ? event : name,
    userId: fields.userId,
    anonymousId: fields.anonymousId,
    timestamp: fields.timestamp ?? fields.originalTimestamp,
    sentAt: fields.sentAt,
    schema: typeof named === "string" ? named : undefined,
    properties: joins ? { ...(properties as object), ...told } : properties,
    context,
  };
}
