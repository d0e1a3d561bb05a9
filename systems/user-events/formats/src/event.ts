import * as z from "zod";

/** What an event may be. CloudEvents and Snowplow's own events come in as "track", under their names. */
export const eventTypes = ["track", "identify", "page", "screen", "group", "alias"] as const;

/** Segment's limit: JSON text of one event, in bytes. */
export const eventBytesMax = 32 * 1024;
/** Segment's limit: JSON text of all events of a batch, in bytes. */
export const batchBytesMax = 500 * 1024;

/** Milliseconds since 1970. */
const instant = z.int();
const open = z.record(z.string(), z.unknown());

/** An event that is one: what the log carries and the store keeps. */
export const UserEvent = z.strictObject({
  /** The id of the source, which with `eventId` is what an event is known by. */
  source: z.string(),
  eventId: z.string(),
  type: z.enum(eventTypes),
  /** "Order Completed" of a track; the page's or screen's name; null for most others. */
  name: z.string().nullable(),
  userId: z.string().nullable(),
  anonymousId: z.string().nullable(),
  /** When it happened, by our clock: what the client's clock is off by is taken out where `sentAt` shows it. */
  occurredAt: instant,
  /** By the client's clock; null where it does not say. */
  sentAt: instant.nullable(),
  receivedAt: instant,
  /** The schema that the client names, as "vendor/name/1-0-0"; null where the event's name decides. */
  schema: z.string().nullable(),
  properties: open,
  context: open,
  /** What it came in with, to be counted apart, such as one import; "" for what comes by itself. */
  run: z.string(),
});
export type UserEvent = z.infer<typeof UserEvent>;

/** Why an event is refused before its schema is looked at; the list is closed, so that each can be counted and redriven. */
export const refusalReasons = [
  "unreadable",
  "notAnObject",
  "unknownShape",
  "unknownType",
  "missingField",
  "wrongType",
  "tooLarge",
  "tooDeep",
  "notStorable",
  "malformedTimestamp",
  "futureTimestamp",
  "ancientTimestamp",
  "bot",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** What came as an event and is none, kept as it came. */
export const RefusedEvent = z.strictObject({
  source: z.string(),
  /** null where none could be read. */
  eventId: z.string().nullable(),
  reason: z.enum(refusalReasons),
  /** For a person: which field, and what is wrong with it. */
  detail: z.string(),
  /** JSON text; of what was no JSON, that text as a JSON string. */
  raw: z.string(),
  /** How to read it again. */
  format: z.enum(["segment", "snowplow", "cloudevents"]),
  sentAt: instant.nullable(),
  receivedAt: instant,
  run: z.string(),
});
export type RefusedEvent = z.infer<typeof RefusedEvent>;

/** What one arrival became, and how many bytes of JSON it was. */
export type Collected = { readonly bytes: number } & (
  | { readonly event: UserEvent }
  | { readonly refused: RefusedEvent }
);
