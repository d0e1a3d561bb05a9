import { type App, createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { trackDeliveries } from "../delivery/deliveries.ts";
import { percentile } from "../row.ts";
import { cpuMicros } from "../server-cpu.ts";
import { flows, flowsService } from "./flows.ts";

/** Runs that one command starts. */
const TOGETHER = 1_000;

/**
 * Workflows in one process. A run counts as done when its caller has the outcome, which is stored then. With `isStuck` pairs of steps
 * stay in the middle, as many at a time as are begun.
 */
export async function open({ url, isStuck = false }: { url: string; isStuck?: boolean }) {
  const deliveries = trackDeliveries();
  const lateMs: number[] = [];
  let inTheMiddle = 0;
  const between = () => {
    inTheMiddle++;
    return isStuck ? new Promise<void>(() => {}) : Promise.resolve();
  };
  const app = createApp({
    services: [flowsService({ woke: (ms) => lateMs.push(ms), between })],
    store: createPostgresStore({ url }),
    validateOutput: false,
    ...(isStuck && { workflows: { concurrency: 20_000 } }),
  });
  await app.start();
  const counts = () => app.call(flows.counts, {});
  return {
    ...deliveries.methods(async (message) => deliveries.done(await app.call(flows.one, message))),
    /** Starts runs that sleep until then; resolves when all do. */
    async asleep(count: number, until: number) {
      const before = await waiting(app);
      await inParts(count, (part) => app.call(flows.sleep, { count: part, until }, { deadlineMs: 60_000 }));
      await untilSo(async () => (await waiting(app)) >= before + count);
    },
    /** What an application that has nothing to do costs: the database's transactions, and the CPU of this process, each second. */
    async idle(durationMs: number) {
      const [before, cpuBefore] = [await counts(), cpuMicros()];
      await new Promise((resolve) => setTimeout(resolve, durationMs));
      const [after, cpuAfter] = [await counts(), cpuMicros()];
      const seconds = durationMs / 1_000;
      return {
        transactions: (after.transactions - before.transactions) / seconds,
        cpuMs: (cpuAfter - cpuBefore) / 1_000 / seconds,
      };
    },
    /** How late the runs woke that have: the median, and the last. */
    async woken(count: number) {
      await untilSo(async () => lateMs.length >= count);
      return { p50: percentile(lateMs, 0.5), max: Math.max(...lateMs) };
    },
    /** Begins so many pairs; resolves when all are in the middle. */
    async begun(count: number) {
      await inParts(count, (part) => app.call(flows.begin, { count: part }, { deadlineMs: 60_000 }));
      await untilSo(async () => inTheMiddle === count);
    },
    ended: () => untilSo(async () => (await counts()).pairs === 0),
  };
}

async function inParts(count: number, start: (part: number) => Promise<unknown>): Promise<void> {
  for (let left = count; left > 0; left -= TOGETHER) await start(Math.min(left, TOGETHER));
}

async function waiting(app: App): Promise<number> {
  const [sleepers] = (await app.workflows.standing()).filter(({ type }) => type === flows.sleeper.id);
  return sleepers?.waiting ?? 0;
}

async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
