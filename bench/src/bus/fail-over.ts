import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../rounds.ts";
import type { Row } from "../row.ts";
import { type Running, type Subject, startSubject } from "../subject-process.ts";

const PER_SECOND = 10_000;
const NODES = 3;
const KILL_EVERY_MS = 5_000;

const subject: Subject = {
  id: "fail-over",
  name: "ours",
  module: new URL("./ours.ts", import.meta.url),
  options: { bus: { tcp: { listen: "127.0.0.1:0" } } },
};

/** One failure is one too many, so the ratio says yes or no. */
const row = {
  row: "TCP, 10,000 queries/s while 1 of 3 nodes is killed every 5 s",
  peer: 0,
  peerName: "what we promise",
  unit: "queries failed",
  reach: 1,
};

/** Queries at a steady pace to three nodes, of which one after the other is killed -9 and replaced. */
export async function measureFailOver(bench: Bench): Promise<Row[]> {
  const durationMs = bench.quick ? 3_000 : 4 * KILL_EVERY_MS;
  const killEveryMs = bench.quick ? 1_000 : KILL_EVERY_MS;
  const start = (core: 0 | 1, options: object) =>
    startSubject({ ...subject, options: { ...subject.options, ...options } }, { core, signal: bench.signal });
  const caller = await start(1, { role: "caller" });
  const callees: Running[] = [];
  try {
    const address = await caller.ask<string>("address");
    const startSpare = async () => callees.push(await start(0, { role: "callee", address, isSpare: true }));
    // Loading a program takes a core for a second, and here all nodes share one: a replacement stands ready for each that is killed.
    while (callees.length < NODES + Math.floor(durationMs / killEveryMs)) await startSpare();
    for (const callee of callees.slice(0, NODES)) await callee.ask("join");
    while ((await caller.ask<number>("nodes")) < NODES) await delay(20);
    await caller.ask("paced", { perSecond: PER_SECOND, durationMs: 2_000 });
    bench.progress(
      `fail-over: ${PER_SECOND} calls a second for ${durationMs} ms, one of ${NODES} nodes killed every ${killEveryMs} ms`,
    );
    const run = caller.ask<{ asked: number; failed: Record<string, number> }>("paced", {
      perSecond: PER_SECOND,
      durationMs,
    });
    let isOver = false;
    const result = run.finally(() => {
      isOver = true;
    });
    for (let turn = 0; ; turn++) {
      await Promise.race([delay(killEveryMs), result]);
      if (isOver) break;
      await callees[turn]?.kill();
      await callees[turn + NODES]?.ask("join");
    }
    const { asked, failed } = await result;
    for (const [code, count] of Object.entries(failed))
      bench.progress(`fail-over: ${count} of ${asked} failed by ${code}`);
    const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
    return [{ ...row, area: bench.area, ours: failures, ratio: failures === 0 ? 1 : 0 }];
  } finally {
    await Promise.all([caller, ...callees].map((running) => running.stop()));
  }
}
