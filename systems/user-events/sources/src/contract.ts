import { command, defineContract, fault, query } from "@banyan/kernel";
import * as z from "zod";

const sourceId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and dashes");
const part = z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/, "use letters, digits and . _ -");
/** MODEL-REVISION-ADDITION of SchemaVer, as Snowplow writes it. */
const version = z.string().regex(/^[1-9]\d{0,3}-\d{1,4}-\d{1,4}$/, "write it as 1-0-0");

/** A field of an event: an id, or what lies in its properties or its context. */
const fieldPath = z
  .string()
  .regex(/^(?:userId|anonymousId|(?:properties|context)(?:\.[^.]{1,100}){1,8})$/, "write it as userId or context.ip");

/** Where events come from. */
const Source = z.object({
  id: sourceId,
  name: z.string(),
  /** What clients send as Basic user name. No secret: it lies in every page that tracks, and lets its holder send events only. */
  writeKey: z.string(),
  /** Refuses events that no schema is registered for. */
  isStrict: z.boolean(),
  /** Beyond it clients are told to wait; null is without a limit. Counted for all processes together. */
  eventsPerSecond: z.int().nullable(),
  /** Refuses events of programs that say what they are, such as crawlers. */
  refusesBots: z.boolean(),
  /** Fields that are replaced by pseudonyms before anything is kept, as "userId" or "context.ip". */
  pseudonyms: z.array(z.string()),
});
export type Source = z.infer<typeof Source>;

const SchemaName = { vendor: part, name: part, version };
const RegisteredSchema = z.object({
  ...SchemaName,
  /** A JSON Schema, draft 2020-12, of an event's properties. */
  definition: z.record(z.string(), z.unknown()),
});

/** Where events come from, and what they must look like: the side of User Events that people turn. */
export const sources = defineContract("sources", {
  faults: {
    sourceExists: fault("conflict", z.object({ id: z.string() }), {
      message: ({ id }) => `there is a source ${id} already`,
    }),
    unknownSchema: fault("not_found", z.object({ schema: z.string() }), {
      message: ({ schema }) => `there is no schema ${schema}`,
    }),
    /** The definition is no JSON Schema of draft 2020-12, or needs what lies elsewhere. Nothing was registered. */
    invalidSchema: fault("invalid", z.object({ reason: z.string() }), {
      message: ({ reason }) => `the definition cannot be used: ${reason}`,
    }),
    /** Events that the version before takes would be refused by this one. A new model (2-0-0) may do so. Nothing was registered. */
    incompatibleSchema: fault(
      "conflict",
      z.object({ before: z.string(), problems: z.array(z.object({ field: z.string(), problem: z.string() })) }),
      {
        message: ({ before, problems: [first] }) =>
          `it would refuse what ${before} takes: ${first?.field} ${first?.problem}; make it a new model to allow that`,
      },
    ),
    /** A version is written once, and each comes after those that are there. Nothing was registered. */
    versionTaken: fault("conflict", z.object({ newest: z.string() }), {
      message: ({ newest }) => `the version must come after ${newest}`,
    }),
  },
  commands: {
    create: command({
      summary: "Create a source; the answer holds its write key",
      input: z.strictObject({
        id: sourceId,
        name: z.string().min(1).max(200).optional(),
        isStrict: z.boolean().default(false),
        eventsPerSecond: z.int().min(1).max(1_000_000).nullable().default(null),
        refusesBots: z.boolean().default(false),
        pseudonyms: z.array(fieldPath).max(50).default([]),
      }),
      output: Source,
      faults: ["sourceExists"],
      http: "POST /v1/sources",
      httpStatus: 201,
      access: "sources:write",
    }),
    /** What was made by the keys before stays what it is, and is found again by `pseudonymsOf`. */
    rotatePseudonymKey: command({
      summary: "Make new pseudonyms by a new key",
      input: z.strictObject({}),
      output: z.object({ number: z.int() }),
      http: "POST /v1/pseudonym-keys",
      httpStatus: 201,
      access: "sources:write",
    }),
    /** The same definition again has no effect. */
    registerSchema: command({
      summary: "Register a schema, or a compatible version of one",
      input: z.strictObject(RegisteredSchema.shape),
      output: z.object(SchemaName),
      faults: ["invalidSchema", "incompatibleSchema", "versionTaken"],
      http: "POST /v1/schemas",
      httpStatus: 201,
      access: "sources:write",
    }),
  },
  queries: {
    list: query({
      summary: "The sources, by id",
      input: z.strictObject({}),
      output: z.object({ sources: z.array(Source) }),
      http: "GET /v1/sources",
      access: "sources:read",
    }),
    /** For those who let clients in: null where nobody has the key. The answer may be 2 s old. */
    byWriteKey: query({
      input: z.strictObject({ writeKey: z.string() }),
      output: z.object({ found: z.object({ tenant: z.string(), source: Source }).nullable() }),
      cache: { ttlMs: 2_000 },
      access: "public",
    }),
    /** null where there is none of the id. The answer may be 2 s old. */
    find: query({
      input: z.strictObject({ id: z.string() }),
      output: z.object({ source: Source.nullable() }),
      cache: { ttlMs: 2_000, tags: ({ id }) => [`source ${id}`] },
      access: "sources:read",
    }),
    /** For who replaces: null where no source of the tenant has pseudonyms. The answer may be 2 s old. */
    pseudonymKey: query({
      input: z.strictObject({}),
      output: z.object({ key: z.object({ number: z.int(), secret: z.string() }).nullable() }),
      cache: { ttlMs: 2_000, tags: () => ["pseudonyms"] },
      access: "sources:secrets",
    }),
    /** For who asks what is kept of somebody, or erases it. */
    pseudonymsOf: query({
      summary: "What stands for a value, by each key that there was, the first key first",
      input: z.strictObject({ value: z.string().min(1).max(1_000) }),
      output: z.object({ pseudonyms: z.array(z.string()) }),
      http: "POST /v1/pseudonyms",
      access: "sources:secrets",
    }),
    schema: query({
      summary: "A schema",
      input: z.strictObject(SchemaName),
      output: RegisteredSchema,
      faults: ["unknownSchema"],
      http: "GET /v1/schemas/:vendor/:name/:version",
      access: "sources:read",
    }),
    schemas: query({
      summary: "Every version of every schema",
      input: z.strictObject({}),
      output: z.object({ schemas: z.array(z.object(SchemaName)) }),
      http: "GET /v1/schemas",
      access: "sources:read",
    }),
    /**
     * The schema that an event is held against: the one that it names, else the newest of "<source>/<its name>". "missing" where it
     * names one that is not there, or its source is strict. The answer may be a second old.
     */
    schemaOf: query({
      input: z.strictObject({ source: z.string(), name: z.string(), schema: z.string().nullable() }),
      output: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("free") }),
        z.object({ kind: z.literal("missing"), schema: z.string() }),
        z.object({ kind: z.literal("schema"), schema: z.string(), definition: z.string() }),
      ]),
      cache: { ttlMs: 1_000, tags: () => ["schemas"] },
      access: "sources:read",
    }),
  },
});
