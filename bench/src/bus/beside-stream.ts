import { type Bench, Figures, type Sample } from "../rounds.ts";
import type { Row } from "../row.ts";
import type { Subject } from "../subject-process.ts";
import { withPair } from "./pair.ts";

const subject: Subject = {
  id: "stream",
  name: "ours, without contracts",
  module: new URL("./exchange.ts", import.meta.url),
  options: { bus: { tcp: { listen: "127.0.0.1:0" } } },
};

const ours = { ours: "stream", reach: 1 } as const;

/** Small calls, one at a time, while 10 MB go up the same connection again and again: beside what we hold ourselves to. */
export async function measureBesideStream(bench: Bench): Promise<Row[]> {
  const durationMs = bench.quick ? 100 : 2_000;
  const figures = new Figures(bench, [subject]);
  for (let round = 1; round <= bench.rounds; round++) {
    bench.progress(`round ${round} of ${bench.rounds}: small calls beside a stream`);
    const sample = await withPair(bench, subject, async ({ caller }) => {
      await caller.ask("besideStream", durationMs / 2);
      return await caller.ask<Sample>("besideStream", durationMs);
    });
    figures.add(subject.id, sample);
  }
  return figures.rows([
    {
      ...ours,
      row: "TCP, small calls beside a 10 MB stream, p99",
      metric: "p99 ms",
      peer: { name: "what we promise", figure: 1 },
      unit: "ms",
      better: "smaller",
    },
    {
      ...ours,
      row: "TCP, the stream meanwhile",
      metric: "MB/s",
      peer: { name: "what we promise", figure: 500 },
      unit: "MB/s",
      better: "larger",
    },
  ]);
}
