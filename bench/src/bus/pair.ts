import { isDeepStrictEqual } from "node:util";
import { type Bench, Figures, type Sample, type Wanted } from "../rounds.ts";
import type { Row } from "../row.ts";
import { PeerMissing, type Running, type Subject, startSubject } from "../subject-process.ts";
import { type PayloadName, payloads } from "./echo.ts";

const IN_FLIGHT = 64;

/** Who is measured, and what they share meanwhile. */
export type Prepared = {
  subjects: readonly Subject[];
  /** What a broker between the two sides has spent since its start; its work is part of each call. */
  brokerCpuMicros?(): number;
  /** Called when all is measured. */
  close(): Promise<void> | void;
};

/** One way between processes: who is measured over it, and what of it becomes a row. */
export type Transport = {
  /** Makes what its subjects need, such as certificates or a broker. */
  prepare(bench: Bench): Promise<Prepared>;
  wanted: readonly Wanted[];
};

/** Both sides of a subject: two processes, each with a core for itself where there are two. */
export type Pair = { callee: Running; caller: Running };

/** Measures every subject of the transport once per round, in fresh processes. A peer that is not installed is named and left out. */
export async function measureTransport(bench: Bench, transport: Transport): Promise<Row[]> {
  const { subjects, brokerCpuMicros = () => 0, close } = await transport.prepare(bench);
  try {
    const figures = new Figures(bench, subjects);
    const missing = new Set<Subject>();
    for (let round = 1; round <= bench.rounds; round++) {
      for (const subject of subjects) {
        if (missing.has(subject)) continue;
        bench.progress(`round ${round} of ${bench.rounds}: ${subject.name}`);
        try {
          figures.add(subject.id, await measureSubject(bench, { subject, brokerCpuMicros }));
        } catch (error) {
          if (!(error instanceof PeerMissing) || subject.module.href.includes("/src/")) throw error;
          missing.add(subject);
          bench.progress(`${subject.name} is left out: ${error.message}`);
        }
      }
    }
    return figures.rows(transport.wanted);
  } finally {
    await close();
  }
}

/** Starts both sides, measures, and stops them. */
export async function withPair<T>(bench: Bench, subject: Subject, measure: (pair: Pair) => Promise<T>): Promise<T> {
  const { signal } = bench;
  const start = (core: 0 | 1, options: object) =>
    startSubject({ ...subject, options: { ...subject.options, ...options } }, { core, signal });
  const callee = await start(0, { role: "callee" });
  try {
    const caller = await start(1, { role: "caller", address: await callee.ask<string>("address") });
    try {
      return await measure({ callee, caller });
    } finally {
      await caller.stop();
    }
  } finally {
    await callee.stop();
  }
}

type Measured = { subject: Subject; brokerCpuMicros: () => number };

function measureSubject(bench: Bench, measured: Measured): Promise<Sample> {
  const durationMs = bench.quick ? 50 : 1_000;
  return withPair(bench, measured.subject, async (pair) => ({
    ...(await measurePayload(pair, { name: "small", durationMs, ...measured })),
    ...(await measurePayload(pair, { name: "large", durationMs, ...measured })),
  }));
}

async function measurePayload(pair: Pair, what: Measured & { name: PayloadName; durationMs: number }) {
  const { callee, caller } = pair;
  const { name, durationMs, subject, brokerCpuMicros } = what;
  if (!isDeepStrictEqual(await caller.ask("once", name), payloads[name])) {
    throw new Error(`"${subject.name}" did not give the ${name} payload back: it does not do the work.`);
  }
  const load = { width: IN_FLIGHT, durationMs };
  await caller.ask("inFlight", name, load);
  const cpuMicros = async () =>
    (await callee.ask<number>("cpuMicros")) + (await caller.ask<number>("cpuMicros")) + brokerCpuMicros();
  const before = await cpuMicros();
  const { calls, perSecond } = await caller.ask<{ calls: number; perSecond: number }>("inFlight", name, load);
  const spent = (await cpuMicros()) - before;
  await caller.ask("alone", name, durationMs / 2);
  const alone = await caller.ask<number>("alone", name, durationMs);
  return { [`${name} rate`]: perSecond, [`${name} cpu`]: spent / calls, [`${name} p50`]: alone };
}
