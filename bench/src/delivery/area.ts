import { withPostgres } from "../postgres.ts";
import type { Area, Wanted } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import { percentile } from "../row.ts";
import { peer, type Running, type Subject } from "../subject-process.ts";

const IN_FLIGHT = 100;
const STEADY_PER_SECOND = 100;

const delay = { ours: "subscription", unit: "ms", better: "smaller" as const };
const delay50 = { ...delay, row: `commit to effect committed, p50 at ${STEADY_PER_SECOND}/s`, metric: "p50" };
const delay99 = { ...delay, row: `commit to effect committed, p99 at ${STEADY_PER_SECOND}/s`, metric: "p99" };
const sustained = { ours: "subscription", metric: "sustained", unit: "events/s", better: "larger" as const };
const rate = { ...sustained, row: `sustained, ${IN_FLIGHT} commands in flight, which emit and write nothing else` };
const writing = { ...sustained, metric: "writing", row: "the same, and each command writes a row of its own" };
const wanted: Wanted[] = [
  { ...delay50, peer: "plain-table", reach: 1 / 1.5 },
  { ...rate, peer: "plain-table", reach: 2 },
  ...["pg-boss", "graphile-worker"].flatMap((peer) => [
    { ...delay50, peer },
    { ...rate, peer },
  ]),
  { ...writing, peer: "plain-table" },
  { ...delay99, peer: "plain-table" },
];

/** From the start of a command to its subscriber's committed effect, all in one process, beside tables used as queues. */
export const deliveryArea: Area = {
  name: "delivery",
  about:
    "a command's event to its subscriber's committed effect, beside a SKIP LOCKED table, pg-boss and graphile-worker",
  run: (bench) =>
    withPostgres(bench, async (url) => {
      const durationMs = bench.quick ? 200 : 2_500;
      const messages = bench.quick ? 20 : 300;
      const options = { url };
      const subjects: Subject[] = [
        { id: "subscription", name: "ours", module: new URL("./ours.ts", import.meta.url), options },
        {
          id: "plain-table",
          name: "plain table, SKIP LOCKED and NOTIFY, its subscriber without an effect",
          module: peer("delivery/plain-table"),
          options,
        },
        { id: "pg-boss", name: "pg-boss, without an effect", module: peer("delivery/pg-boss"), options },
        {
          id: "graphile-worker",
          name: "graphile-worker, without an effect",
          module: peer("delivery/graphile-worker"),
          options,
        },
      ];
      const measure = async (running: Running, { id }: Subject) => {
        await running.ask("sustained", IN_FLIGHT, durationMs);
        const sustained = await running.ask<number>("sustained", IN_FLIGHT, durationMs);
        // The peers' publishes write nothing but their message.
        const writing =
          id === "subscription" ? await running.ask<number>("sustainedWriting", IN_FLIGHT, durationMs) : sustained;
        await running.ask("steady", messages / 3, STEADY_PER_SECOND);
        const agesMs = await running.ask<number[]>("steady", messages, STEADY_PER_SECOND);
        return { sustained, writing, p50: percentile(agesMs, 0.5), p99: percentile(agesMs, 0.99) };
      };
      const figures = await measureInRounds(bench, { subjects }, measure);
      return figures.rows(wanted);
    }),
};
