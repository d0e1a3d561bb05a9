import { withPostgres } from "../postgres.ts";
import type { Area, Bench, Loaded, Sample, Wanted } from "../rounds.ts";
import { measureUnderLoad } from "../rounds.ts";
import type { Row } from "../row.ts";
import type { Running, Subject } from "../subject-process.ts";
import { findPgbench, pgbenchMissing } from "./find-pgbench.ts";

const CLIENTS = 16;
/** As many as a call may hold; over HTTP about as many as fit into its body. */
const PER_BULK = 5_000;
/** One core runs the statements of a bulk; a second caller fills the gaps between them. */
const BULK_CALLERS = 2;
const key = "bench-key-that-opens-nothing-else";

const posts = { ours: "served", peer: "pgbench", unit: "posts/s", better: "larger" as const };
/** What this machine writes where the same transfers are rows and nothing else: the figures to reach were set on another. */
const byHand = { ours: "store", peer: "by-hand", row: `bulk posting in the store, ${PER_BULK} a call, until answered` };
const inStore = { ours: "store", peer: { name: "the figure to reach", figure: 30_000 } };
const throughHttp = { ours: "served", peer: { name: "the figure to reach", figure: 20_000 } };
/** A rate counts what was answered, that is committed, while subscribers run behind; beside it what they too have handled by their end. */
const answered = { metric: "bulk", unit: "transfers/s", better: "larger" as const, reach: 1 };
const delivered = { metric: "delivered", unit: "transfers/s", better: "larger" as const };
const wanted: Wanted[] = [
  { ...posts, row: `posts through HTTP, ${CLIENTS} clients`, metric: "spread", reach: 0.9 },
  { ...posts, row: `posts through HTTP, all on one hot account, ${CLIENTS} clients`, metric: "hot", reach: 0.6 },
  { ...answered, ...inStore, row: `bulk posting in the store, ${PER_BULK} a call, until answered` },
  { metric: "bulk", unit: "transfers/s", better: "larger", ...byHand },
  { ...delivered, ...inStore, row: "the same, until its projection has caught up" },
  { ...answered, ...throughHttp, row: `bulk posting through HTTP, ${PER_BULK} a call, until answered` },
  { ...delivered, ...throughHttp, row: "the same, until all subscribers have caught up" },
];

/** Posting, through the gateway and in bulk, beside what pgbench reaches on the same server over the same transport. */
export const ledgerArea: Area = {
  name: "ledger",
  about: "posts through HTTP, on one hot account and in bulk, beside pgbench TPC-B-like on the same server",
  run: (bench) => withPostgres(bench, (url) => run(bench, url)),
};

async function run(bench: Bench, url: string): Promise<Row[]> {
  const durationMs = bench.quick ? 300 : 4_000;
  const perBulk = bench.quick ? 20 : PER_BULK;
  const pgbench = findPgbench();
  if (!pgbench) bench.progress(pgbenchMissing);
  const served: Subject = {
    id: "served",
    name: "ours",
    module: new URL("./served.ts", import.meta.url),
    options: { url, key },
  };
  const options = { url, perCall: perBulk, callers: BULK_CALLERS };
  const store: Subject = { id: "store", name: "ours", module: new URL("./store.ts", import.meta.url), options };
  const byHand: Subject = {
    id: "by-hand",
    name: "the same transfers as bare rows: unnest, all or nothing, an event each, no subscriber",
    module: new URL("./by-hand.ts", import.meta.url),
    options,
  };
  const yardstick: Subject = {
    id: "pgbench",
    name: "pgbench TPC-B-like, -M prepared, scale 10",
    module: new URL("./pgbench.ts", import.meta.url),
    options: { pgbench, url },
  };
  const subjects = [served, ...(pgbench ? [yardstick] : []), store, byHand];
  const measures: Record<string, (loaded: Loaded) => Promise<Sample>> = {
    served: (loaded) => measureServed(bench, loaded, { durationMs, perBulk }),
    pgbench: ({ running }) => measurePgbench(running, durationMs),
    store: ({ running }) => measureStore(bench, running, durationMs),
    "by-hand": async ({ running }) => {
      await running.ask("bulk", durationMs / 2);
      return { bulk: await running.ask<number>("bulk", durationMs) };
    },
  };
  const figures = await measureUnderLoad(bench, { subjects }, async (loaded, { id }) => measures[id]?.(loaded) ?? {});
  return figures.rows(wanted);
}

/** How long to load, and how many transfers go into one bulk call. */
type Extent = { durationMs: number; perBulk: number };

async function measureServed(
  bench: Bench,
  { running, loading }: Loaded,
  { durationMs, perBulk }: Extent,
): Promise<Sample> {
  const address = await running.ask<string>("address");
  const load = async (spread: string, path: string, { perRequest, connections }: typeof onePost) => {
    const name = crypto.randomUUID();
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
    const bodies = new URL("./bodies.ts", import.meta.url).href;
    const request = { url: address + path, method: "POST", headers, connections, durationMs };
    const rate = async () => {
      const run = { name, spread, perRequest };
      const { perSecond } = await loading.ask<{ perSecond: number }>("loadWith", { ...request, bodies, run });
      return perSecond * perRequest;
    };
    return measureUntilDelivered(bench, running, rate);
  };
  const onePost = { perRequest: 1, connections: CLIENTS };
  const path = "/v1/ledger/transactions";
  await load("spread", path, onePost);
  const spread = await load("spread", path, onePost);
  const hot = await load("hot", path, onePost);
  const bulk = await load("spread", `${path}/bulk`, { perRequest: perBulk, connections: BULK_CALLERS });
  return { spread: spread.answered, hot: hot.answered, bulk: bulk.answered, delivered: bulk.delivered };
}

/** Transfers per second until they were answered, and until everything that follows from them was done but the sealing. */
async function measureUntilDelivered(bench: Bench, running: Running, rate: () => Promise<number>) {
  const startedMs = performance.now();
  const answered = await rate();
  const tookMs = performance.now() - startedMs;
  const behindMs = await running.ask<{ delivered: number; sealed: number }>("settled");
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  const count = Math.round((answered * tookMs) / 1_000);
  bench.progress(
    `${count} in ${seconds(tookMs)}, delivered ${seconds(behindMs.delivered)} later, sealed ${seconds(behindMs.sealed)} later`,
  );
  return { answered, delivered: (count * 1_000) / (tookMs + behindMs.delivered) };
}

/** TPC-B-like is the peer of both rows: it stays the yardstick where all posts meet on one account. */
async function measurePgbench(running: Running, durationMs: number): Promise<Sample> {
  await running.ask("init");
  await running.ask("rate", CLIENTS, durationMs / 2);
  const tps = await running.ask<number>("rate", CLIENTS, durationMs);
  return { spread: tps, hot: tps };
}

async function measureStore(bench: Bench, running: Running, durationMs: number): Promise<Sample> {
  await running.ask("bulk", durationMs / 2);
  await running.ask("settled");
  const { answered, delivered } = await measureUntilDelivered(bench, running, () =>
    running.ask<number>("bulk", durationMs),
  );
  return { bulk: answered, delivered };
}
