import type { Bench } from "../rounds.ts";
import { compare, type Row } from "../row.ts";
import { type Running, startSubject } from "../subject-process.ts";

const WOKEN = 1_000;
/** The server's sessions tell of their transactions within 10 s of their last one. */
const STATISTICS_MS = 11_000;

type Idle = { transactions: number; cpuMs: number };

/** How many runs, written as people read them. */
const named = (count: number) => count.toLocaleString("en");

/** Sleepers cost nothing and wake on time; a process takes over what another one that was killed had under way. Once each. */
export async function measureMany(bench: Bench, url: string): Promise<Row[]> {
  const subject = (isStuck: boolean) => {
    const module = new URL("./ours.ts", import.meta.url);
    return startSubject({ id: "ours", name: "ours", module, options: { url, isStuck } }, { signal: bench.signal });
  };
  const resumed = await measureResumed(bench, { stuck: await subject(true), next: () => subject(false) });
  const running = await subject(false);
  try {
    return [...resumed, ...(await measureSleepers(bench, running))];
  } finally {
    await running.stop();
  }
}

async function measureSleepers(bench: Bench, running: Running): Promise<Row[]> {
  const [sleepers, idleMs, woken] = bench.quick ? [100, 500, 10] : [100_000, 10_000, WOKEN];
  const idle = async () => {
    if (!bench.quick) await new Promise((resolve) => setTimeout(resolve, STATISTICS_MS));
    return await running.ask<Idle>("idle", idleMs);
  };
  const alone = await idle();
  bench.progress(`${named(sleepers)} runs fall asleep`);
  await running.ask("asleep", sleepers, Date.now() + 86_400_000);
  const beside = await idle();
  bench.progress(`${named(woken)} more, due at one time`);
  await running.ask("asleep", woken, Date.now() + 10_000);
  const late = await running.ask<{ p50: number; max: number }>("woken", woken);
  const whileThey = `while ${named(sleepers)} runs sleep`;
  const cost = { area: bench.area, peerName: "the same while none sleeps", better: "smaller" as const, reach: 0 };
  const time = {
    area: bench.area,
    unit: "ms",
    better: "smaller" as const,
    peer: 1_000,
    peerName: "the figure to reach",
  };
  return [
    {
      ...cost,
      row: `idle ${whileThey}: transactions of the database`,
      unit: "a second",
      ours: beside.transactions,
      peer: alone.transactions,
    },
    {
      ...cost,
      row: `idle ${whileThey}: CPU of the process`,
      unit: "ms a second",
      ours: beside.cpuMs,
      peer: alone.cpuMs,
    },
    { ...time, row: `${named(woken)} of them due at one time: the last wakes late by`, ours: late.max, reach: 1 },
  ].map(compare);
}

/** From the kill to the last run's end: the leases of the dead process run out first. */
async function measureResumed(
  bench: Bench,
  { stuck, next }: { stuck: Running; next(): Promise<Running> },
): Promise<Row[]> {
  const count = bench.quick ? 100 : 10_000;
  bench.progress(`${named(count)} runs come to the middle of their steps`);
  await stuck.ask("begun", count);
  await stuck.kill();
  const killedMs = performance.now();
  const heir = await next();
  try {
    await heir.ask("ended");
    const ours = performance.now() - killedMs;
    const row = `${named(count)} runs in flight, kill -9: from the kill to the end of the last`;
    const reached = { peer: 10_000, peerName: "the figure to reach", reach: 1 };
    return [compare({ area: bench.area, row, unit: "ms", better: "smaller", ours, ...reached })];
  } finally {
    await heir.stop();
  }
}
