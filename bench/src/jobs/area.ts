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

const byBull = { ours: "ours-redis", peer: "bullmq", unit: "jobs/s", better: "larger" as const };
const wantedOnRedis: Wanted[] = [
  { ...byBull, row: `handed out by BullMQ: added to done, ${IN_FLIGHT} adding`, metric: "sustained", reach: 0.9 },
  {
    ...byBull,
    row: `handed out by BullMQ: added to done, p50 at ${STEADY_PER_SECOND}/s`,
    metric: "p50",
    unit: "ms",
    better: "smaller",
  },
];

/** Jobs on Postgres, from the call of the command that enqueues one to the commit of its completion, all in one process. */
export const jobsArea: Area = {
  name: "jobs",
  about: "jobs on Postgres beside graphile-worker, and handed out by BullMQ on Redis beside BullMQ alone",
  run: (bench) =>
    withPostgres(bench, async (url) => {
      const durationMs = bench.quick ? 200 : 2_500;
      const [messages, full] = bench.quick ? [20, 100] : [300, 10_000];
      const redis = process.env.BANYAN_TEST_REDIS;
      const ours = new URL("./ours.ts", import.meta.url);
      const onRedis: Subject[] = [
        { id: "ours-redis", name: "ours, by BullMQ", module: ours, options: { url, redis } },
        { id: "bullmq", name: "BullMQ alone, its job does nothing", module: peer("jobs/bullmq"), options: { redis } },
      ];
      const subjects: Subject[] = [
        { id: "ours", name: "ours", module: ours, options: { url } },
        {
          id: "graphile-worker",
          name: "graphile-worker, its task does nothing",
          module: peer("jobs/graphile-worker"),
          options: { url },
        },
        ...(redis === undefined ? [] : onRedis),
      ];
      if (redis === undefined)
        bench.progress("without BANYAN_TEST_REDIS (../shared/infra/up redis) there are no rows beside BullMQ");
      const measure = async (running: Running, { id }: Subject) => {
        await running.ask("sustained", IN_FLIGHT, durationMs);
        const sustained = await running.ask<number>("sustained", IN_FLIGHT, durationMs);
        const others = onRedis.some((each) => each.id === id) ? {} : await measureOthers(running, id);
        const agesMs = await running.ask<number[]>("steady", messages, STEADY_PER_SECOND);
        if (id !== "graphile-worker") await running.ask("close");
        return { sustained, writing: sustained, ...others, p50: percentile(agesMs, 0.5) };
      };
      const measureOthers = async (running: Running, id: string) => ({
        ...(id === "ours" && { writing: await running.ask<number>("sustainedWriting", IN_FLIGHT, durationMs) }),
        emptied: await running.ask<number>("emptied", full),
      });
      const figures = await measureInRounds(bench, { subjects }, measure);
      return figures.rows(redis === undefined ? wanted : [...wanted, ...wantedOnRedis]);
    }),
};
