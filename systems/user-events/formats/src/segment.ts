import type { Collected } from "./event.ts";
import { type Arrival, type Claims, judged, refuse } from "./judge.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * One call of Segment's HTTP API (segment.com/docs/connections/spec). `messageId` is what it is known by; `traits` of identify
 * and group are its properties. `context.schema` may name a schema.
 */
export function readSegment(raw: unknown, arrival: Arrival): Collected {
  return judged({ raw, format: "segment" }, arrival, (fields) => claimsOf(fields as Fields));
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
