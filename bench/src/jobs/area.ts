import { withPostgres } from "../postgres.ts";
import type { Area, Wanted } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import { percentile } from "../row.ts";
import { peer, type Running, type Subject } from "../subject-process.ts";

const IN_FLIGHT = 100;
const STEADY_PER_SECOND = 100;

const rate = { ours: "ours", peer: "graphile-worker", unit: "jobs/s", better: "larger" as const };
const wanted: Wanted[] = [
  { ...rate, row: `added to done, ${IN_FLIGHT} adding`, metric: "sustained", reach: 3.5 },
  { ...rate, row: "the same, and each of ours writes a row", metric: "writing" },
  { ...rate, row: "a full queue emptied", metric: "emptied", reach: 1 },
  { ...rate, row: `added to done, p50 at ${STEADY_PER_SECOND}/s`, metric: "p50", unit: "ms", better: "smaller" },
];

/** Jobs on Postgres, from the call of the command that enqueues one to the commit of its completion, all in one process. */
export const jobsArea: Area = {
  name: "jobs",
  about: "jobs on Postgres beside graphile-worker",
  run: (bench) =>
    withPostgres(bench, async (url) => {
      const durationMs = bench.quick ? 200 : 2_500;
      const [messages, full] = bench.quick ? [20, 100] : [300, 10_000];
      const subjects: Subject[] = [
        { id: "ours", name: "ours", module: new URL("./ours.ts", import.meta.url), options: { url } },
        {
          id: "graphile-worker",
          name: "graphile-worker, its task does nothing",
          module: peer("jobs/graphile-worker"),
          options: { url },
        },
      ];
      const measure = async (running: Running, { id }: Subject) => {
        await running.ask("sustained", IN_FLIGHT, durationMs);
        const sustained = await running.ask<number>("sustained", IN_FLIGHT, durationMs);
        const writing =
          id === "ours" ? await running.ask<number>("sustainedWriting", IN_FLIGHT, durationMs) : sustained;
        const emptied = await running.ask<number>("emptied", full);
        const agesMs = await running.ask<number[]>("steady", messages, STEADY_PER_SECOND);
        return { sustained, writing, emptied, p50: percentile(agesMs, 0.5) };
      };
      const figures = await measureInRounds(bench, { subjects }, measure);
      return figures.rows(wanted);
    }),
};
