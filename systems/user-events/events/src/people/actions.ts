import { command, query } from "@banyan/kernel";
import { eventTypes } from "@banyan/user-events-formats";
import * as z from "zod";

const id = z.string().min(1).max(255).describe("An id of the person, be it of a user or of somebody unknown");

/** An event in brief. */
const Act = z.object({
  source: z.string(),
  eventId: z.string(),
  type: z.enum(eventTypes),
  name: z.string().nullable(),
  userId: z.string().nullable(),
  anonymousId: z.string().nullable(),
  occurredAt: z.iso.datetime(),
});
export type Act = z.infer<typeof Act>;

/** How much is kept of somebody, by where it lies. */
const Traces = z.object({
  events: z.int(),
  /** Events in brief. */
  acts: z.int(),
  badRows: z.int(),
  /** That one id is another's. */
  identities: z.int(),
});
export type Traces = z.infer<typeof Traces>;

export const peopleCommands = {
  /**
   * Deletes a person under every id: events, acts, what was refused, and the ids themselves. Their event ids stay known, so that what was
   * erased is not stored again; events that the log still carries come as new. The answer's ids are for `traces`.
   */
  erase: command({
    summary: "Delete all that is kept of a person",
    input: z.strictObject({ id }),
    output: z.object({ ids: z.array(z.string()), erased: Traces }),
    http: "POST /v1/people/:id/erase",
    access: "events:erase",
    record: "keyed",
    deadlineMs: 60_000,
  }),
};

export const peopleQueries = {
  person: query({
    summary: "Who is behind an id, with every id that leads there",
    input: z.strictObject({ id }),
    output: z.object({ person: z.string(), ids: z.array(z.string()) }),
    http: "GET /v1/people/:id",
    access: "events:read",
  }),
  history: query({
    summary: "What a person did, before and after it was known who it is, oldest first",
    input: z.strictObject({
      id,
      /** `next` of the page before. */
      after: z.string().max(200).optional(),
      limit: z.int().min(1).max(1_000).default(100),
    }),
    output: z.object({ acts: z.array(Act), next: z.string().nullable() }),
    faults: ["malformedCursor"],
    http: "GET /v1/people/:id/acts",
    access: "events:read",
  }),
  /** After an erasure: not ok where anything is found under one of the ids. */
  traces: query({
    summary: "What is kept of somebody",
    input: z.strictObject({ ids: z.array(id).min(1).max(100) }),
    output: z.object({ ok: z.boolean(), ...Traces.shape }),
    http: "GET /v1/traces",
    access: "events:read",
  }),
};
