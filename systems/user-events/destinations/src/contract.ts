import { command, defineContract, fault, job, query } from "@banyan/kernel";
import * as z from "zod";
import {
  DeadLetter,
  Destination,
  destinationId,
  FileLines,
  FilePlace,
  GivenDefinition,
  GivenFilter,
  letterPlace,
  Note,
  Place,
  Plan,
} from "./schemas.ts";

const AtDestination = z.strictObject({ id: destinationId });

/**
 * Stored events go on to others, each destination by itself: in the order of storing within a partition, at least once (files: once), tried
 * again while it fails, and not held up for longer than its tries by an event that it does not take.
 */
export const destinations = defineContract("destinations", {
  faults: {
    destinationExists: fault("conflict", z.object({ id: z.string() }), {
      message: ({ id }) => `there is a destination ${id} already`,
    }),
    unknownDestination: fault("not_found", z.object({ id: z.string() }), {
      message: ({ id }) => `there is no destination ${id}`,
    }),
    /** Nothing was created. */
    unreachable: fault("invalid", z.object({ reason: z.string() }), {
      message: ({ reason }) => `it cannot be sent there: ${reason}`,
    }),
  },
  commands: {
    create: command({
      summary: "Send what is stored from now on to a destination",
      input: z.strictObject({ id: destinationId, ...GivenDefinition.shape }),
      /** What webhooks are signed with: told here and nowhere else. */
      output: z.object({ id: z.string(), secret: z.string() }),
      answers: "once",
      faults: ["destinationExists", "unreachable"],
      http: "POST /v1/destinations",
      httpStatus: 201,
      access: "destinations:write",
    }),
    pause: command({
      summary: "Send nothing to a destination until it is resumed",
      input: AtDestination,
      output: z.object({ isPaused: z.boolean() }),
      faults: ["unknownDestination"],
      http: "POST /v1/destinations/:id/pause",
      access: "destinations:write",
    }),
    resume: command({
      summary: "Send again, from where it stopped, and at once where it waited to try again",
      input: AtDestination,
      output: z.object({ isPaused: z.boolean() }),
      faults: ["unknownDestination"],
      http: "POST /v1/destinations/:id/resume",
      access: "destinations:write",
    }),
    /** Also what became a dead letter. What the destination has is not sent to it again. */
    replay: command({
      summary: "Send what was stored before and the destination does not have, by time and type",
      input: z.strictObject({ id: destinationId, ...GivenFilter.shape }),
      output: z.object({ replay: z.string() }),
      faults: ["unknownDestination"],
      http: "POST /v1/replays",
      httpStatus: 202,
      access: "destinations:write",
    }),
    /** For who sends: nothing where another has sent the page meanwhile. */
    note: command({
      input: Note,
      output: z.object({ isNoted: z.boolean() }),
      access: "destinations:send",
      record: "keyed",
    }),
    /** For who writes what was noted into files: it is there, or why it cannot be written now. */
    written: command({
      input: z.strictObject({ id: destinationId, places: z.array(FilePlace), error: z.string().nullable() }),
      output: z.object({}),
      access: "destinations:send",
      record: "keyed",
    }),
  },
  queries: {
    list: query({
      summary: "The destinations, by id",
      input: z.strictObject({}),
      output: z.object({ destinations: z.array(Destination) }),
      http: "GET /v1/destinations",
      access: "destinations:read",
    }),
    deadLetters: query({
      summary: "What a destination did not take, newest first",
      input: z.strictObject({
        id: destinationId,
        /** `next` of the page before. */
        after: letterPlace.optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({ deadLetters: z.array(DeadLetter), next: letterPlace.nullable() }),
      http: "GET /v1/destinations/:id/dead-letters",
      access: "destinations:read",
    }),
    /** null where nothing is to be sent now. Lines that wait for their file go before all else. */
    plan: query({
      input: AtDestination,
      output: z.object({ plan: Plan.nullable(), lines: z.array(FileLines) }),
      access: "destinations:send",
    }),
    /** Which of these the destination has. */
    delivered: query({
      input: z.strictObject({ id: destinationId, places: z.array(Place) }),
      output: z.object({ places: z.array(Place) }),
      access: "destinations:send",
    }),
  },
  jobs: {
    /** Forgets what became of events that are no longer kept. */
    keep: job({ input: z.strictObject({}), schedule: { cron: "37 3 * * *" } }),
    /** Sends what there is to be sent, and comes again: there is one of each destination, from its creation on. */
    send: job({ input: AtDestination, deadlineMs: 60_000, concurrency: 8 }),
  },
});
