import { createHash } from "node:crypto";
import * as z from "zod";
import type { Notice, TakeNotice } from "./schemas.ts";

/** What a body says, before it is known whether it is new. */
export type NoticeFacts = Omit<Notice, "provider" | "late">;
type Read = (given: TakeNotice) => NoticeFacts | null;

const text = z.string().min(1).max(200);
const seconds = z.int().min(0).max(253_402_300_799);
const thing = z.looseObject({ id: text });

const StripeEvent = z.looseObject({
  id: text,
  type: text,
  created: seconds,
  data: z.looseObject({ object: thing }),
});

export const readStripe: Read = ({ payload }) => {
  const event = StripeEvent.safeParse(jsonOf(payload));
  if (!event.success) return null;
  const { id, type, created, data } = event.data;
  return { eventId: id, type, subject: data.object.id, occurredAt: created * 1_000, data: data.object };
};

const RazorpayEvent = z.looseObject({
  event: text,
  contains: z.array(text).min(1),
  created_at: seconds,
  payload: z.record(z.string(), z.looseObject({ entity: thing })),
});

/** The event's id stands in a header that is not signed, so whoever replays a body could change it: the body is its own id. */
export const readRazorpay: Read = ({ payload }) => {
  const event = RazorpayEvent.safeParse(jsonOf(payload));
  if (!event.success) return null;
  const { event: type, contains, created_at, payload: things } = event.data;
  const entity = things[contains[0] as string]?.entity;
  if (entity === undefined) return null;
  const eventId = createHash("sha256").update(payload).digest("hex");
  return { eventId, type, subject: entity.id, occurredAt: created_at * 1_000, data: entity };
};

const StandardEvent = z.looseObject({ type: text, timestamp: z.iso.datetime({ offset: true }), data: thing });

export const readStandard: Read = ({ payload, webhookId }) => {
  const event = StandardEvent.safeParse(jsonOf(payload));
  const eventId = text.safeParse(webhookId);
  if (!event.success || !eventId.success) return null;
  const { type, timestamp, data } = event.data;
  return { eventId: eventId.data, type, subject: data.id, occurredAt: Date.parse(timestamp), data };
};

function jsonOf(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}
