import { eventTypes, instantOf } from "@banyan/user-events-formats";
import * as z from "zod";

export const destinationId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and dashes");
const when = z.string().refine((text) => instantOf(text) !== undefined, "write it as 2026-11-21T12:30:00Z");

/** Which destination of whom. */
export interface At {
  readonly tenant: string;
  readonly id: string;
}

/** Which events; of a list that is empty, all. */
export const Filter = z.strictObject({
  types: z.array(z.enum(eventTypes)),
  names: z.array(z.string()).max(100),
  sources: z.array(z.string()).max(100),
  /** By when they happened: inclusive. */
  from: when.optional(),
  /** Exclusive. */
  to: when.optional(),
});
export type Filter = z.infer<typeof Filter>;

/** A filter as it is given: what is left out is any. */
export const GivenFilter = z.strictObject({
  ...Filter.shape,
  types: Filter.shape.types.default([]),
  names: Filter.shape.names.default([]),
  sources: Filter.shape.sources.default([]),
});

const Retry = z.strictObject({
  /** Tries of one event before it is a dead letter. */
  attemptsMax: z.int().min(1).max(20),
  /** Before the second; then twice as long each time, five minutes at most. */
  firstMs: z.int().min(1).max(300_000),
});

/** What a destination is. */
export const Definition = z.strictObject({
  to: z.discriminatedUnion("kind", [
    /** Posted one by one, signed as Standard Webhooks has it, with the event's id as webhook-id. */
    z.strictObject({ kind: z.literal("webhook"), url: z.url() }),
    /** A line of JSON per event, in a file per day on which it was received. */
    z.strictObject({ kind: z.literal("files") }),
    /** CloudEvents in a log that the application was given by that name. */
    z.strictObject({ kind: z.literal("log"), log: z.string() }),
  ]),
  filter: Filter,
  retry: Retry,
});
export type Definition = z.infer<typeof Definition>;

/** A destination as it is given. Eight tries, a second after the first, are done with after four minutes. */
export const GivenDefinition = z.strictObject({
  ...Definition.shape,
  filter: GivenFilter.default({ types: [], names: [], sources: [] }),
  retry: Retry.default({ attemptsMax: 8, firstMs: 1_000 }),
});

/** A stored event's number in its partition. */
export const Place = z.strictObject({ partition: z.int(), number: z.int() });
export type Place = z.infer<typeof Place>;

export const Destination = z.object({
  id: destinationId,
  ...Definition.shape,
  isPaused: z.boolean(),
  /** How often the event that is next was tried in vain, and why it was the last time. */
  failures: z.int(),
  lastError: z.string().nullable(),
  deadLetters: z.int(),
});

export const DeadLetter = z.object({
  ...Place.shape,
  source: z.string(),
  eventId: z.string(),
  error: z.string(),
  attempts: z.int(),
  at: z.iso.datetime(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** Where a dead letter stands among those of its destination: its time in milliseconds since 1970, its partition, its number there. */
export const letterPlace = z.string().regex(/^\d{1,13}\.\d{1,4}\.\d{1,15}$/, "must be the `next` of the page before");

/** What goes into the file of a day. */
const DayLines = z.strictObject({ day: z.string(), lines: z.string() });
export type DayLines = z.infer<typeof DayLines>;

/** Where in the file of a day something begins: behind so many bytes. */
export const FilePlace = z.strictObject({ day: z.string(), start: z.int() });
export type FilePlace = z.infer<typeof FilePlace>;

/** Lines with their place. */
export const FileLines = z.strictObject({ ...FilePlace.shape, lines: z.string() });
export type FileLines = z.infer<typeof FileLines>;

/** What is to be sent now: by which reader, from where on, and what it takes to send it. */
export const Plan = z.object({
  reader: z.string(),
  turn: z.int(),
  places: z.array(Place),
  until: z.array(Place).nullable(),
  filters: z.array(Filter),
  definition: Definition,
  /** base64 */
  secret: z.string(),
});
export type Plan = z.infer<typeof Plan>;

/** How the sending of a page went. */
export const Note = z.strictObject({
  id: destinationId,
  reader: z.string(),
  /** Of the plan that it was sent by. */
  turn: z.int(),
  places: z.array(Place),
  delivered: z.array(Place),
  /** What of it files get, once this is noted. */
  files: z.array(DayLines),
  /** The event that could not be sent. Final: the receiver does not want it. An outage: nothing can be sent there, and it waits for as long. */
  failure: z
    .strictObject({
      ...Place.shape,
      source: z.string(),
      eventId: z.string(),
      error: z.string(),
      isFinal: z.boolean(),
      isOutage: z.boolean(),
      retryAfterMs: z.int().nullable(),
    })
    .nullable(),
  isDone: z.boolean(),
});
export type Note = z.infer<typeof Note>;
