import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import { eventTypes, instantOf, refusalReasons } from "@banyan/user-events-formats";
import * as z from "zod";
import { insightQueries } from "./insights/actions.ts";
import { peopleCommands, peopleQueries } from "./people/actions.ts";

const instant = z.iso.datetime();
const when = z
  .string()
  .refine((text) => (instantOf(text) ?? -1) >= 0, "write it as 2026-11-21T12:30:00Z, from 1970 on")
  .describe("An instant in ISO 8601");
const page = {
  /** `next` of the page before. */
  after: z.string().max(200).optional(),
  limit: z.int().min(1).max(1_000).default(100),
};

/** How long events are kept: ten years. */
export const keepDays = 3_650;

/** An event as it is read again, with its place in the log. */
export const StoredEvent = z.object({
  eventId: z.string(),
  source: z.string(),
  type: z.enum(eventTypes),
  name: z.string().nullable(),
  userId: z.string().nullable(),
  anonymousId: z.string().nullable(),
  occurredAt: instant,
  receivedAt: instant,
  sentAt: instant.nullable(),
  schema: z.string().nullable(),
  properties: z.record(z.string(), z.unknown()),
  context: z.record(z.string(), z.unknown()),
  partition: z.int(),
  offset: z.int(),
});
export type StoredEvent = z.infer<typeof StoredEvent>;
const EventPage = z.object({ events: z.array(StoredEvent), next: z.string().nullable() });

/** "collect" refuses what is no event; "validate" what its schema does not take. */
const badReasons = [...refusalReasons, "unknownSchema", "schemaMismatch"] as const;
/** Why an event is no good. */
export type BadReason = (typeof badReasons)[number];

/** What came as an event and was refused. */
const BadRow = z.object({
  id: z.uuid(),
  source: z.string(),
  eventId: z.string().nullable(),
  run: z.string(),
  stage: z.enum(["collect", "validate"]),
  reason: z.enum(badReasons),
  detail: z.string(),
  /** JSON text, as it came where it could not be read, else as it was read. */
  raw: z.string(),
  receivedAt: instant,
  attempts: z.int(),
  /** "retrying" is tried again by itself; "dead" waits to be redriven. */
  state: z.enum(["retrying", "dead", "redriven"]),
});
export type BadRow = z.infer<typeof BadRow>;

const Tally = z.object({ stored: z.int(), duplicate: z.int(), bad: z.int() });

/** What just came, in brief: an event that was stored, or what was refused and why. */
const LiveEvent = z.object({
  outcome: z.enum(["stored", "bad"]),
  source: z.string(),
  eventId: z.string().nullable(),
  /** null of what was refused, as are the three below. */
  type: z.enum(eventTypes).nullable(),
  name: z.string().nullable(),
  userId: z.string().nullable(),
  anonymousId: z.string().nullable(),
  receivedAt: instant,
  reason: z.enum(badReasons).nullable(),
  detail: z.string().nullable(),
});
export type LiveEvent = z.infer<typeof LiveEvent>;

/** The lag when it was looked at, and from which one on it is told. */
const LagAlert = z.strictObject({ lag: z.int(), alertAt: z.int() });

/** Events out of the log: each stored once, or kept as a bad row with its reason, and read again. */
export const events = defineContract("events", {
  faults: {
    unknownBadRow: fault("not_found", z.object({ id: z.string() }), {
      message: ({ id }) => `there is no bad row ${id}`,
    }),
    malformedCursor: fault("invalid", undefined, { message: () => "after must be the next of the page before" }),
    /** It was tried, and is refused as before or for another reason. It stays where it is. */
    stillBad: fault("conflict", z.object({ reason: z.enum(badReasons), detail: z.string() }), {
      message: ({ reason, detail }) => `still refused, ${reason}: ${detail}`,
    }),
  },
  commands: {
    ...peopleCommands,
    redrive: command({
      summary: "Try a bad row again, as after its schema was mended",
      input: z.strictObject({ id: z.uuid() }),
      output: z.object({ outcome: z.enum(["stored", "duplicate"]) }),
      faults: ["unknownBadRow", "stillBad"],
      http: "POST /v1/dead-letters/:id/redrive",
      access: "events:write",
    }),
    alertAtLag: command({
      summary: "Say from how many waiting events on events.lagHigh is told",
      input: z.strictObject({ alertAt: z.int().min(1).max(1_000_000_000) }),
      output: z.object({ alertAt: z.int() }),
      http: "PUT /v1/consumers/lag/alert",
      access: "events:write",
    }),
  },
  queries: {
    ...peopleQueries,
    ...insightQueries,
    list: query({
      summary: "Events of a type, oldest first",
      input: z.strictObject({
        type: z.enum(eventTypes).default("track"),
        name: z.string().optional(),
        source: z.string().optional(),
        /** Inclusive. */
        from: when.optional(),
        /** Exclusive. */
        to: when.optional(),
        ...page,
      }),
      output: EventPage,
      faults: ["malformedCursor"],
      http: "GET /v1/events",
      access: "events:read",
    }),
    messages: query({
      summary: "What one user did, oldest first",
      input: z.strictObject({ userId: z.string(), ...page }),
      output: EventPage,
      faults: ["malformedCursor"],
      http: "GET /user/messages",
      access: "events:read",
    }),
    badRows: query({
      summary: "What was refused, newest first",
      input: z.strictObject({
        source: z.string().optional(),
        reason: z.enum(badReasons).optional(),
        state: BadRow.shape.state.optional(),
        run: z.string().optional(),
        ...page,
        /** `next` of the page before. */
        after: z.uuid().optional(),
      }),
      output: z.object({ badRows: z.array(BadRow), next: z.string().nullable() }),
      http: "GET /v1/badrows",
      access: "events:read",
    }),
    /** What became of the events of one run, such as an import, and why those were refused that were. */
    tally: query({
      summary: "How many events were stored, were duplicates, or were refused",
      input: z.strictObject({ source: z.string(), run: z.string().default("") }),
      output: z.object({ ...Tally.shape, reasons: z.record(z.string(), z.int()) }),
      http: "GET /v1/sources/:source/tally",
      access: "events:read",
    }),
    /** For who appends: how many events of each partition are stored. A quarter of a second old at most. */
    progress: query({
      input: z.strictObject({}),
      output: z.object({ partitions: z.array(z.object({ partition: z.int(), consumed: z.int() })) }),
      cache: { ttlMs: 250 },
      access: "public",
    }),
    lag: query({
      summary: "How far storing is behind the log, per partition",
      input: z.strictObject({}),
      output: z.object({
        partitions: z.array(z.object({ partition: z.int(), appended: z.int(), consumed: z.int(), lag: z.int() })),
        lag: z.int(),
      }),
      http: "GET /v1/consumers/lag",
      access: "events:read",
    }),
    /** How many events each partition has stored. */
    storedHeads: query({
      input: z.strictObject({}),
      output: z.object({ partitions: z.array(z.object({ partition: z.int(), count: z.int() })) }),
      access: "events:read",
    }),
    /**
     * For who sends events on: of each partition up to `limit` after a number, up to the one of `until`, in the order in which they were
     * stored. null for what was erased.
     */
    stored: query({
      input: z.strictObject({
        after: z.array(z.strictObject({ partition: z.int(), number: z.int(), until: z.int().nullable() })),
        limit: z.int().min(1).max(100),
      }),
      output: z.object({
        events: z.array(z.object({ partition: z.int(), number: z.int(), event: StoredEvent.nullable() })),
      }),
      access: "events:read",
    }),
    /**
     * Without `after` nothing but where to begin, which is now. Shows what was received in the last 10 minutes; what is refused has neither
     * type nor name, and is left out where one is asked for. What is redriven is shown again, as stored.
     */
    live: query({
      summary: "Events as they are stored or refused",
      input: z.strictObject({
        source: z.string().optional(),
        type: z.enum(eventTypes).optional(),
        name: z.string().optional(),
        ...page,
        limit: z.int().min(1).max(500).default(100),
      }),
      output: z.object({
        /** Oldest first. */
        events: z.array(LiveEvent),
        /** How many more there were: only the newest are shown to who cannot keep up. What lies 10,000 acts back counts whatever it is. */
        skipped: z.int(),
        next: z.string(),
      }),
      faults: ["malformedCursor"],
      http: "GET /v1/live",
      httpFollow: { list: "events", everyMs: 250 },
      access: "events:read",
    }),
    /** For /metrics. What is in flight is what the others leave of what was received: it lies in the log. */
    totals: query({
      summary: "How many events were received, and what became of them",
      input: z.strictObject({}),
      output: z.object({
        received: z.int().describe("Events that intake took"),
        stored: z.int().describe("Events that were stored"),
        duplicate: z.int().describe("Events that had come before"),
        bad: z.int().describe("Events that were refused and wait to be redriven"),
        inFlight: z.int().describe("Events in the log that have no outcome yet"),
      }),
      http: "GET /v1/totals",
      access: "events:read",
    }),
    /**
     * Whether nothing was lost or doubled: of every partition, received = stored + duplicate + bad + in flight, and what was counted
     * is what lies in the tables. `broken` names what does not hold.
     */
    verify: query({
      summary: "Check that every event that was received is stored, a duplicate, bad, or in flight",
      input: z.strictObject({}),
      output: z.object({
        ok: z.boolean(),
        received: z.int(),
        ...Tally.shape,
        inFlight: z.int(),
        broken: z.array(z.string()),
      }),
      http: "GET /v1/conservation",
      access: "events:read",
    }),
  },
  events: {
    /** As many events wait to be stored as somebody wants to hear of. Told once, until it was normal again. */
    lagHigh: event({ data: LagAlert, key: () => "lag" }),
    /** No more than half as many wait. */
    lagNormal: event({ data: LagAlert, key: () => "lag" }),
  },
  jobs: {
    keepActs: job({ input: z.strictObject({}), schedule: { cron: "17 3 * * *" } }),
    watchLag: job({ input: z.strictObject({}), schedule: { everyMs: 2_000 } }),
    /** As the tenant whose lag has risen or fallen, so that it is told. */
    tellLag: job({ input: z.strictObject({}) }),
    /** Tries a bad row again whose schema was not there: it may be on its way. */
    retry: job({ input: z.strictObject({ id: z.uuid() }) }),
  },
});
