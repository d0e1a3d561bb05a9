import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import { z } from "zod";

const text = z.string().min(1).max(200);

export const notes = defineContract("notes", {
  faults: { taken: fault("conflict", z.object({ text })) },
  commands: {
    write: command({
      input: z.strictObject({ text }),
      output: z.object({ id: z.int() }),
      faults: ["taken"],
      http: "POST /v1/notes",
      httpStatus: 201,
      access: "notes:write",
    }),
    /** Has no route: operators only. */
    unseal: command({ input: z.strictObject({ text }), output: z.object({}), access: "notes:admin" }),
    /** Enqueues `proofread`. */
    submit: command({ input: z.strictObject({ text }), output: z.object({ job: z.string() }), access: "notes:write" }),
  },
  queries: {
    find: query({
      input: z.strictObject({ text }),
      output: z.object({ id: z.int().nullable() }),
      http: "GET /v1/notes/:text",
      access: "notes:read",
    }),
    tally: query({
      input: z.strictObject({}),
      output: z.object({ letters: z.record(z.string(), z.int()) }),
      http: "GET /v1/tally",
      access: "notes:read",
    }),
    /** Answers after `ms`: something to wait for at a stop. */
    ponder: query({
      input: z.strictObject({ ms: z.int().max(10_000) }),
      output: z.object({ pondered: z.boolean() }),
      http: "GET /v1/ponder/:ms",
      access: "public",
      deadlineMs: 15_000,
    }),
    verify: query({
      input: z.strictObject({}),
      output: z.object({ ok: z.boolean(), firstBrokenId: z.int().nullable() }),
      access: "notes:read",
    }),
  },
  /** Fails while the note is sealed. */
  jobs: { proofread: job({ input: z.strictObject({ text }), attemptsMax: 1 }) },
  events: { written: event({ data: z.strictObject({ text }), key: (note) => note.text.slice(0, 1) }) },
});
