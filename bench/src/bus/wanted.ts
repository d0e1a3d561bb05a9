import type { Wanted } from "../rounds.ts";

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
