import { isDeepStrictEqual } from "node:util";
import type { Bench, Wanted } from "../rounds.ts";
import type { Row } from "../row.ts";
import { type Load, measureInSlices } from "../slices.ts";
import type { Subject } from "../subject-process.ts";
import { type PayloadName, payloads } from "./echo.ts";
import { cpuMicrosOf, openPair, type Pair } from "./pair.ts";

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

/** Many calls in flight and then one at a time, with each payload. */
export async function measureTransport(bench: Bench, transport: Transport): Promise<Row[]> {
  const { subjects, brokerCpuMicros = () => 0, close } = await transport.prepare(bench);
  try {
    const loads = [
      inFlight("small", brokerCpuMicros),
      alone("small"),
      inFlight("large", brokerCpuMicros),
      alone("large"),
    ];
    return (await measureInSlices(bench, { subjects, open: openPair }, { loads, warmMs: 2_000 })).rows(
      transport.wanted,
    );
  } finally {
    await close();
  }
}

function inFlight(name: PayloadName, brokerCpuMicros: () => number): Load<Pair> {
  return async (pair, durationMs) => {
    const { subject, caller } = pair;
    if (!isDeepStrictEqual(await caller.ask("once", name), payloads[name])) {
      throw new Error(`"${subject.name}" did not give the ${name} payload back: it does not do the work.`);
    }
    const cpuMicros = async () => (await cpuMicrosOf(pair)) + brokerCpuMicros();
    const before = await cpuMicros();
    const load = { width: IN_FLIGHT, durationMs };
    const { calls, perSecond } = await caller.ask<{ calls: number; perSecond: number }>("inFlight", name, load);
    return { [`${name} rate`]: perSecond, [`${name} cpu`]: ((await cpuMicros()) - before) / calls };
  };
}

function alone(name: PayloadName): Load<Pair> {
  return async ({ caller }, durationMs) => ({ [`${name} p50`]: await caller.ask<number>("alone", name, durationMs) });
}

/** A row: what it says, a payload and a figure ("small rate"), ours, whom it stands beside, and what is to be reached. */
export type Want = [row: string, metric: string, ours: string, peer: string, reach?: number];

const figures = {
  rate: { unit: "calls/s", better: "larger" },
  cpu: { unit: "us of CPU per call, caller, callee and broker", better: "smaller" },
  p50: { unit: "us", better: "smaller" },
} as const;

/** Rows with the units of what they compare. */
export function wanted(wants: readonly Want[]): Wanted[] {
  return wants.map(([row, metric, ours, peer, reach]) => {
    const figure = figures[metric.split(" ")[1] as keyof typeof figures];
    return { ...figure, row, metric, ours, peer, ...(reach !== undefined && { reach }) };
  });
}
