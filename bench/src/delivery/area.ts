import { startedEngines } from "../log/engines.ts";
import { withPostgres } from "../postgres.ts";
import type { Area, Wanted } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import { percentile } from "../row.ts";
import { peer, type Running, type Subject } from "../subject-process.ts";
import { measureAcross } from "./across.ts";
import { TOGETHER } from "./stream.ts";

const IN_FLIGHT = 100;
const BACKLOG = 20_000;
const STEADY_PER_SECOND = 100;

const delay = { ours: "subscription", unit: "ms", better: "smaller" as const };
const delay50 = { ...delay, row: `commit to effect committed, p50 at ${STEADY_PER_SECOND}/s`, metric: "p50" };
const delay99 = { ...delay, row: `commit to effect committed, p99 at ${STEADY_PER_SECOND}/s`, metric: "p99" };
const sustained = { ours: "subscription", metric: "sustained", unit: "events/s", better: "larger" as const };
const rate = { ...sustained, row: `sustained, ${IN_FLIGHT} commands in flight, which emit and write nothing else` };
const writing = { ...sustained, metric: "writing", row: "the same, and each command writes a row of its own" };
const together = {
  ...sustained,
  metric: "together",
  row: `sustained, ${TOGETHER} in flight, publishes committed together`,
};
const drained = {
  ...sustained,
  metric: "drained",
  row: `a backlog of ${BACKLOG} drained, handlers that await their effects`,
};
const wanted: Wanted[] = [
  { ...delay50, peer: "plain-table", reach: 1 / 1.5 },
  { ...rate, peer: "plain-table", reach: 2 },
  ...["pg-boss", "graphile-worker"].flatMap((peer) => [
    { ...delay50, peer },
    { ...rate, peer },
  ]),
  { ...writing, peer: "plain-table" },
  { ...together, peer: "plain-table", reach: 8 },
  { ...drained, peer: { name: "the figure to reach", figure: 20_000 }, reach: 1 },
  { ...drained, peer: "plain-table" },
  { ...delay99, peer: "plain-table", reach: 1 / 2.5 },
];

/** From the start of a command to its subscriber's committed effect, beside tables used as queues, and by way of each engine. */
export const deliveryArea: Area = {
  name: "delivery",
  about:
    "a command's event to its subscriber's committed effect, beside a SKIP LOCKED table, pg-boss and graphile-worker",
  run: (bench) =>
    withPostgres(bench, async (url) => {
      const durationMs = bench.quick ? 200 : 2_500;
      const messages = bench.quick ? 20 : 300;
      const backlog = bench.quick ? 50 : BACKLOG;
      const options = { url };
      const ours = new URL("./ours.ts", import.meta.url);
      const engines = startedEngines(bench.progress);
      const subjects: Subject[] = [
        { id: "subscription", name: "ours", module: ours, options },
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
        ...engines.map(({ engine, name, server }) => ({
          id: engine,
          name: `ours, by way of ${name}`,
          module: ours,
          options: { url, by: { engine, server } },
        })),
      ];
      const measure = async (running: Running, { id }: Subject) => {
        await running.ask("sustained", IN_FLIGHT, durationMs);
        if (engines.some(({ engine }) => engine === id)) return measureEngine(running, durationMs);
        const sustained = await running.ask<number>("sustained", IN_FLIGHT, durationMs);
        // The peers' publishes write nothing but their message, each in a commit of its own.
        const others = id === "subscription" ? await measureOthers(running, durationMs, backlog) : {};
        await running.ask("steady", messages / 3, STEADY_PER_SECOND);
        const agesMs = await running.ask<number[]>("steady", messages, STEADY_PER_SECOND);
        return {
          sustained,
          writing: sustained,
          together: sustained,
          drained: sustained,
          ...others,
          p50: percentile(agesMs, 0.5),
          p99: percentile(agesMs, 0.99),
        };
      };
      const figures = await measureInRounds(bench, { subjects }, measure);
      const overEngines = engines.map(({ engine, name }) => wantedOver(engine, name));
      return [...figures.rows([...wanted, ...overEngines]), ...(await measureAcross(bench, url))];
    }),
};

async function measureOthers(running: Running, durationMs: number, backlog: number) {
  const writing = await running.ask<number>("sustainedWriting", IN_FLIGHT, durationMs);
  const together = await running.ask<number>("sustainedTogether", TOGETHER, durationMs);
  return { writing, together, drained: await running.ask<number>("drained", backlog) };
}

/** From the outbox to the engine and from there to the inbox, beside the log that is in the database itself. */
function wantedOver(engine: string, name: string): Wanted {
  const row = `by way of ${name}: ${TOGETHER} in flight, publishes committed together`;
  return { ...sustained, ours: engine, peer: "subscription", metric: "together", row, reach: 0.9 };
}

async function measureEngine(running: Running, durationMs: number) {
  const together = await running.ask<number>("sustainedTogether", TOGETHER, durationMs);
  await running.ask("close");
  return { together };
}
