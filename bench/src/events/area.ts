import { withPostgres } from "../postgres.ts";
import type { Area, Bench, Loaded, Sample, Wanted } from "../rounds.ts";
import { measureUnderLoad } from "../rounds.ts";
import { percentile, type Row } from "../row.ts";
import { peer, type Subject } from "../subject-process.ts";
import { batchCount } from "./event-bodies.ts";
import { overload } from "./overload.ts";

const singleConnections = 50;
const batchConnections = 8;
const pacedPerSecond = 1_000;

const fresh = { ours: "ours", better: "larger" as const, unit: "events/s" };
const latency = { ours: "ours", better: "smaller" as const, unit: "ms" };
const wanted: Wanted[] = [
  { ...fresh, row: "one event a request, answered", metric: "single", peer: "fastify", reach: 0.5 },
  { ...fresh, row: "one event a request, until stored", metric: "single stored", peer: "fastify", reach: 0.5 },
  { ...fresh, row: `batches of ${batchCount}, answered`, metric: "batch", peer: "pg", reach: 0.5 },
  { ...fresh, row: `batches of ${batchCount}, until stored`, metric: "batch stored", peer: "pg", reach: 0.5 },
  {
    ...latency,
    row: "accepted to readable at 1,000/s, median",
    metric: "p50",
    peer: { name: "the most it may be", figure: 20 },
    reach: 1,
  },
  {
    ...latency,
    row: "accepted to readable at 1,000/s, 99 of 100",
    metric: "p99",
    peer: { name: "the most it may be", figure: 100 },
    reach: 1,
  },
];

/** User Events on Postgres alone, every event stored before a round is over. */
export const eventsArea: Area = {
  name: "events",
  about: "User Events: intake through HTTP beside raw Fastify and rows by pg, and how soon an event can be read",
  run: (bench) => withPostgres(bench, (url) => run(bench, url)),
};

async function run(bench: Bench, url: string): Promise<Row[]> {
  const durationMs = bench.quick ? 300 : 3_000;
  const ours = { id: "ours", name: "ours", module: new URL("./ours.ts", import.meta.url), options: { url } };
  const subjects: Subject[] = [
    ours,
    { id: "fastify", name: "raw Fastify, nothing kept", module: peer("events/fastify") },
    {
      id: "pg",
      name: "pg, rows in one INSERT",
      module: peer("events/pg"),
      options: { url, callers: batchConnections },
    },
  ];
  const measures: Record<string, (loaded: Loaded) => Promise<Sample>> = {
    ours: (loaded) => measureOurs(loaded, bench, durationMs),
    fastify: async (loaded) => {
      await load(loaded, "/v1/track", durationMs);
      const { perSecond } = await load(loaded, "/v1/track", durationMs);
      return { single: perSecond, "single stored": perSecond };
    },
    pg: async ({ running }) => {
      await running.ask("rate", durationMs);
      const perSecond = await running.ask<number>("rate", durationMs);
      await running.ask("close");
      return { batch: perSecond, "batch stored": perSecond };
    },
  };
  const figures = await measureUnderLoad(bench, { subjects }, async (loaded, { id }) => measures[id]?.(loaded) ?? {});
  return [...figures.rows(wanted), ...(await overload(bench, ours))];
}

async function measureOurs(loaded: Loaded, bench: Bench, durationMs: number): Promise<Sample> {
  const { running } = loaded;
  await timed(loaded, "/v1/track", durationMs);
  const single = await timed(loaded, "/v1/track", durationMs);
  await timed(loaded, "/v1/batch", durationMs);
  const batches = await timed(loaded, "/v1/batch", durationMs);
  const took = await running.ask<number[]>("latencies", bench.quick ? 100 : 3 * pacedPerSecond, pacedPerSecond);
  await running.ask("close");
  return {
    single: single.answered,
    "single stored": single.stored,
    batch: batches.answered,
    "batch stored": batches.stored,
    p50: percentile(took, 0.5),
    p99: percentile(took, 0.99),
  };
}

/** Events per second, by when they were answered and by when the last of them was stored. */
async function timed({ running, loading }: Loaded, path: string, durationMs: number) {
  const before = await running.ask<number>("stored");
  const beganMs = performance.now();
  const { perSecond } = await load({ running, loading }, path, durationMs);
  const count = (await running.ask<number>("stored")) - before;
  return { answered: perSecond * perRequestOf(path), stored: (count * 1_000) / (performance.now() - beganMs) };
}

const perRequestOf = (path: string) => (path === "/v1/batch" ? batchCount : 1);

async function load({ running, loading }: Loaded, path: string, durationMs: number) {
  const [address, authorization] = await Promise.all([
    running.ask<string>("address"),
    running.ask<string>("authorization"),
  ]);
  const headers = { "content-type": "application/json", authorization };
  const request = { url: `${address}${path}`, method: "POST", headers, durationMs };
  return loading.ask<{ perSecond: number }>("loadWith", {
    ...request,
    bodies: new URL("./event-bodies.ts", import.meta.url).href,
    run: { perRequest: perRequestOf(path) },
    connections: path === "/v1/batch" ? batchConnections : singleConnections,
  });
}
