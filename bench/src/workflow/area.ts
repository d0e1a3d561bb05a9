import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { withPostgres } from "../postgres.ts";
import type { Area, Bench, Wanted } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import { percentile, type Row } from "../row.ts";
import { peer, type Subject } from "../subject-process.ts";
import { measureMany } from "./many.ts";

const STEADY_PER_SECOND = 100;

const rate = { ours: "ours", unit: "runs/s", better: "larger" as const };
const at16 = { ...rate, row: "runs of one step, 16 callers", metric: "at16" };
const at100 = { ...rate, row: "runs of one step, 100 in flight", metric: "at100" };
const p50 = { ...rate, row: `from call to outcome, p50 at ${STEADY_PER_SECOND}/s`, metric: "p50" };
const time = { unit: "ms", better: "smaller" as const };
const wanted: Wanted[] = [
  { ...at100, peer: "dbos", reach: 2 },
  { ...at100, peer: "dbos-queue", reach: 2 },
  { ...at100, peer: "restate", reach: 1.5 },
  ...["dbos", "dbos-queue", "restate"].map((peer) => ({ ...at16, peer })),
  { ...p50, ...time, peer: "restate", reach: 1 },
  { ...p50, ...time, peer: "dbos" },
  { ...p50, ...time, peer: "dbos-queue" },
];

/** Inside the checkout, as Postgres' own: on the disk. */
const restateFolder = fileURLToPath(new URL("../../../.banyan/", import.meta.url));

/** Workflows of one step in one process, beside DBOS on the same Postgres and Restate on its own disk. */
export const workflowArea: Area = {
  name: "workflow",
  about: "workflows of one step, beside DBOS on the same Postgres and Restate; 100,000 that sleep, 10,000 taken over",
  run: (bench) => withPostgres(bench, (url) => run(bench, url)),
};

async function run(bench: Bench, url: string): Promise<Row[]> {
  const durationMs = bench.quick ? 200 : 2_500;
  const messages = bench.quick ? 20 : 300;
  mkdirSync(restateFolder, { recursive: true });
  const subjects: Subject[] = [
    { id: "ours", name: "ours", module: new URL("./ours.ts", import.meta.url), options: { url } },
    { id: "dbos", name: "DBOS, called in process", module: peer("workflow/dbos"), options: { url } },
    { id: "dbos-queue", name: "DBOS, by a queue", module: peer("workflow/dbos"), options: { url, isQueued: true } },
    { id: "restate", name: "Restate", module: peer("workflow/restate"), options: { folder: restateFolder } },
  ];
  const figures = await measureInRounds(bench, { subjects }, async (running) => {
    await running.ask("sustained", 100, durationMs);
    const at100 = await running.ask<number>("sustained", 100, durationMs);
    const at16 = await running.ask<number>("sustained", 16, durationMs);
    const agesMs = await running.ask<number[]>("steady", messages, STEADY_PER_SECOND);
    return { at100, at16, p50: percentile(agesMs, 0.5) };
  });
  return [...figures.rows(wanted), ...(await measureMany(bench, url))];
}
