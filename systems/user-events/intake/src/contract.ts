import { command, defineContract, event, fault, query } from "@banyan/kernel";
import { batchBytesMax, type eventTypes, RefusedEvent, refusalReasons, UserEvent } from "@banyan/user-events-formats";
import * as z from "zod";

/** Events of one source and person keep their order; those of different partitions are stored side by side. */
export const partitionCount = 8;
/** Less than a batch: an event that a line holds has more bytes than the line, such as an id. */
const piecesBytesMax = batchBytesMax / 2;

/** What became of one event of a request. */
const Result = z.object({
  /** null where what came has none that can be read. */
  eventId: z.string().nullable(),
  status: z.enum(["accepted", "refused"]),
  reason: z.enum(refusalReasons).optional(),
  detail: z.string().optional(),
});
export type Result = z.infer<typeof Result>;

/** What became of a request. */
const Answer = z.object({
  /** Whether every event was accepted. */
  success: z.boolean(),
  /** One per event, in the order of the request. */
  results: z.array(Result),
});
export type Answer = z.infer<typeof Answer>;

/** Whom what they send concerns looks at what was refused; of a file with millions of lines nobody reads more. */
const refusalsToldMax = 100;

/** What became of the lines of a file. */
const ImportAnswer = z.object({
  accepted: z.int(),
  refused: z.int(),
  /** The first 100; all are bad rows. `position` is that among the file's lines, without empty ones, from 1. */
  refusals: z.array(Result.extend({ position: z.int() })),
});
export type ImportAnswer = z.infer<typeof ImportAnswer>;

/** Of one piece after another. */
export function addImports(sum: ImportAnswer, next: ImportAnswer): ImportAnswer {
  const before = sum.accepted + sum.refused;
  const moved = next.refusals.map((refusal) => ({ ...refusal, position: before + refusal.position }));
  return {
    accepted: sum.accepted + next.accepted,
    refused: sum.refused + next.refused,
    refusals: [...sum.refusals, ...moved].slice(0, refusalsToldMax),
  };
}

/** What one request may hold, however small. */
export const batchItemsMax = 2_500;

/** Whoever cannot set headers, such as a page on its way out, sends JSON as text, and the write key in it. Some name no type: a form's is HTTP clients' own. */
const anybody = {
  writeKey: z.string().max(200).optional(),
  content: z.string().optional().describe("The whole request as JSON text, sent as text/plain"),
};
/** An event that cannot be kept is refused by itself: none of its neighbours is. */
const unsound = { field: "content", contentTypes: [], alsoUnsound: true } as const;
const asText = {
  httpText: {
    ...unsound,
    contentTypes: ["text/plain", "application/x-www-form-urlencoded"],
    bytesMax: 2 * batchBytesMax,
  },
} as const;

const faults = [
  "unknownWriteKey",
  "unknownSource",
  "unreadableBody",
  "batchTooLarge",
  "tooManyEvents",
  "rateExceeded",
  "backlogged",
] as const;

/** Attributes of CloudEvents 1.0 and the one extension that is known here, by the headers of the binary mode. */
export const cloudEventHeaders = {
  specversion: "ce-specversion",
  id: "ce-id",
  source: "ce-source",
  type: "ce-type",
  time: "ce-time",
  subject: "ce-subject",
  dataschema: "ce-dataschema",
  userid: "ce-userid",
} as const;

function segmentCall<P extends string>(type: (typeof eventTypes)[number], path: P) {
  return command({
    summary: `Take one ${type} call of Segment's HTTP API`,
    input: z.looseObject({ ...anybody, messageId: z.unknown().optional(), timestamp: z.unknown().optional() }),
    output: Answer,
    faults,
    http: `POST /v1/${path}`,
    httpStatus: 202,
    ...asText,
    access: "public",
    record: "keyed",
  });
}

function segmentBatch<P extends string>(path: P) {
  return command({
    summary: "Take a batch of Segment's HTTP API; each event has its own result",
    input: z.looseObject({
      ...anybody,
      batch: z.array(z.unknown()).optional(),
      sentAt: z.unknown().optional(),
    }),
    output: Answer,
    faults,
    http: `POST /v1/${path}`,
    httpStatus: 202,
    ...asText,
    access: "public",
    record: "keyed",
  });
}

/**
 * Events on their way in. An answer of 202 says that every event of the request is kept, accepted ones and refused ones, and that
 * `accepted` will tell of them; a fault says that none is. Requests are Segment's, whose SDKs can be pointed here.
 */
export const intake = defineContract("intake", {
  faults: {
    /** No source has the key that came as Basic user name or as `writeKey`. */
    unknownWriteKey: fault("unauthenticated", undefined, {
      message: () => "send the write key of a source as Basic user name, as writeKey, or as a tracker's appId",
    }),
    /** Of an import, which names its source. */
    unknownSource: fault("not_found", z.object({ source: z.string() }), {
      message: ({ source }) => `there is no source ${source}; create it first`,
    }),
    unreadableBody: fault("invalid", z.object({ reason: z.string() }), { message: ({ reason }) => reason }),
    batchTooLarge: fault("invalid", z.object({ bytes: z.int(), bytesMax: z.int() }), {
      message: ({ bytes, bytesMax }) => `the batch has ${bytes} bytes of events, of at most ${bytesMax}`,
    }),
    tooManyEvents: fault("invalid", z.object({ events: z.int(), eventsMax: z.int() }), {
      message: ({ events, eventsMax }) => `the batch has ${events} events, of at most ${eventsMax}`,
    }),
    /** The source sends more than it may. */
    rateExceeded: fault("exhausted", z.object({ source: z.string(), eventsPerSecond: z.int() }), {
      message: ({ source, eventsPerSecond }) => `${source} may send ${eventsPerSecond} events a second`,
    }),
    /** More events wait in the log to be stored than may. They will be; come again after `Retry-After`. */
    backlogged: fault("exhausted", z.object({ backlogMax: z.int() }), {
      message: ({ backlogMax }) => `${backlogMax} events wait to be stored already`,
    }),
  },
  commands: {
    track: segmentCall("track", "track"),
    identify: segmentCall("identify", "identify"),
    page: segmentCall("page", "page"),
    screen: segmentCall("screen", "screen"),
    group: segmentCall("group", "group"),
    alias: segmentCall("alias", "alias"),
    batch: segmentBatch("batch"),
    /** Segment's library for pages, analytics.js, knows the same calls by their first letters. */
    t: segmentCall("track", "t"),
    i: segmentCall("identify", "i"),
    p: segmentCall("page", "p"),
    s: segmentCall("screen", "s"),
    g: segmentCall("group", "g"),
    a: segmentCall("alias", "a"),
    b: segmentBatch("b"),
    /** Trackers have no credentials: the application's id (`aid`) of the first event is the write key. */
    snowplow: command({
      summary: "Take events of Snowplow's trackers",
      input: z.looseObject({
        schema: z.string().optional(),
        data: z.array(z.unknown()).optional(),
        content: anybody.content,
      }),
      output: Answer,
      faults,
      http: "POST /com.snowplowanalytics.snowplow/tp2",
      httpText: unsound,
      access: "public",
      record: "keyed",
    }),
    /** In the binary mode an event's attributes are headers, and its data is the body. */
    cloudEvents: command({
      summary: "Take CloudEvents 1.0: binary, structured or in a batch",
      input: z.strictObject({
        content: z.string().default(""),
        ...Object.fromEntries(Object.keys(cloudEventHeaders).map((name) => [name, z.string().optional()])),
      }),
      output: Answer,
      faults,
      http: "POST /v1/cloudevents",
      httpStatus: 202,
      httpText: {
        field: "content",
        contentTypes: ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"],
        bytesMax: 2 * batchBytesMax,
      },
      httpHeaders: cloudEventHeaders,
      access: "public",
      record: "keyed",
    }),
    /**
     * For who has files rather than clients: the source is named, and events of a `run` are counted apart. Events are Segment's, or
     * lines of a file of any length; what is known beside JSON says `banyan import`. A fault says that nothing is kept of the piece that
     * it met: what came before is, and counts as duplicate when it comes again.
     */
    import: command({
      summary: "Take events that happened before, for a source",
      input: z.strictObject({
        source: z.string(),
        run: z.string().max(100).default(""),
        events: z.array(z.unknown()).max(batchItemsMax).default([]),
        lines: z
          .array(z.strictObject({ text: z.string(), occurrence: z.int().min(0) }))
          .max(batchItemsMax)
          .default([]),
        content: z.string().optional().describe("Lines of a file"),
      }),
      output: ImportAnswer,
      faults,
      http: "POST /v1/import",
      httpStatus: 202,
      httpText: {
        field: "content",
        contentTypes: ["application/x-ndjson", "application/jsonl", "text/plain"],
        bytesMax: piecesBytesMax,
        inPieces: addImports,
      },
      access: "events:write",
      record: "keyed",
    }),
  },
  queries: {
    /** How many events were ever appended to each partition. */
    heads: query({
      input: z.strictObject({}),
      output: z.object({ partitions: z.array(z.object({ partition: z.int(), appended: z.int() })) }),
      access: "events:read",
    }),
    /** For who watches over all tenants: how many events were ever appended for each. */
    appended: query({
      input: z.strictObject({}),
      output: z.object({ tenants: z.array(z.object({ tenant: z.string(), appended: z.int() })) }),
      access: "intake:watch",
    }),
  },
  events: {
    /**
     * What one transaction took of one partition, in the order in which it came. `offset` is where it begins in the partition, which
     * has no gaps: `events` first, then `refused`.
     */
    accepted: event({
      data: z.strictObject({
        partition: z.int(),
        offset: z.int(),
        events: z.array(UserEvent),
        refused: z.array(RefusedEvent),
      }),
      key: ({ partition }) => String(partition),
    }),
  },
});
