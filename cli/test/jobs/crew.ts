import { setTimeout as sleep } from "node:timers/promises";
import { command, defineContract, implement, job } from "@banyan/kernel";
import type { JobContext, NoUses } from "@banyan/kernel/types";
import { z } from "zod";

const Note = z.strictObject({ note: z.string(), ms: z.int().default(0) });

/** Jobs that each leave one row, and commands that enqueue them. */
const crew = defineContract("crew", {
  commands: {
    add: command({ input: Note, output: z.object({}), access: "crew:write" }),
    /** Three at once, in the wrong order. */
    rank: command({ input: z.strictObject({}), output: z.object({}), access: "crew:write" }),
    /** Three that come after one another, the last one enqueued with high priority. */
    chain: command({ input: z.strictObject({}), output: z.object({}), access: "crew:write" }),
    /** So many of a type that is limited. */
    send: command({ input: z.strictObject({ count: z.int() }), output: z.object({}), access: "crew:write" }),
  },
  jobs: {
    work: job({ input: Note }),
    limited: job({ input: Note, rateLimit: { runs: 5, perMs: 1_000 } }),
    single: job({ input: Note, concurrency: 1 }),
    tick: job({ input: z.strictObject({}), schedule: { everyMs: 250 } }),
  },
});

/** One for every kind of job here. */
const leave = async (ctx: JobContext<"crew", NoUses>, { note, ms }: z.output<typeof Note>) => {
  const { id, attempt } = ctx.job;
  await ctx.sql`INSERT INTO crew.effect (job, note, pid, attempt) VALUES (${id}, ${note}, ${process.pid}, ${attempt})`;
  process.send?.({ begun: id, note });
  if (ms > 0) await sleep(ms);
};

export const crewService = implement(crew, {
  migrations: new URL("sql/", import.meta.url),
  commands: {
    add: (ctx, input) => {
      ctx.enqueue(crew.work, input);
      return {};
    },
    rank: (ctx) => {
      for (const priority of ["low", "normal", "high"] as const)
        ctx.enqueue(crew.single, { note: priority }, { priority });
      return {};
    },
    chain: (ctx) => {
      const first = ctx.enqueue(crew.work, { note: "first", ms: 50 });
      const second = ctx.enqueue(crew.work, { note: "second", ms: 50 }, { after: [first] });
      ctx.enqueue(crew.work, { note: "third" }, { after: [second], priority: "high" });
      return {};
    },
    send: (ctx, { count }) => {
      for (let n = 0; n < count; n++) ctx.enqueue(crew.limited, { note: "limited" });
      return {};
    },
  },
  jobs: { work: leave, limited: leave, single: leave, tick: (ctx) => leave(ctx, { note: "tick", ms: 0 }) },
});
