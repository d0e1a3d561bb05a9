import type { Bench, Sample, Wanted } from "../rounds.ts";
import type { Row } from "../row.ts";
import { type Load, measureInSlices } from "../slices.ts";
import type { Subject } from "../subject-process.ts";
import { cpuMicrosOf, openPair, type Pair } from "./pair.ts";

const exchange = new URL("./exchange.ts", import.meta.url);
const bus = { tcp: { listen: "127.0.0.1:0" } };
const subjects: Subject[] = [
  { id: "stream", name: "ours, read into one buffer", module: exchange, options: { bus } },
  { id: "pieces", name: "ours, in pieces of its own", module: exchange, options: { bus, inPieces: true } },
  { id: "bare", name: "a bare socket, 16 KB and 64 KB", module: new URL("./bare-stream.ts", import.meta.url) },
];

const p99 = {
  row: "TCP, small calls beside a 10 MB stream, p99",
  metric: "p99 ms",
  unit: "ms",
  better: "smaller",
} as const;
const rate = { row: "TCP, the stream meanwhile", metric: "MB/s", unit: "MB/s", better: "larger" } as const;
const cpu = {
  row: "TCP, the stream and the calls, CPU",
  metric: "cpu",
  unit: "us of CPU per MB, caller and callee",
  better: "smaller",
} as const;
const pieces = "TCP, the stream meanwhile, for await";

const wanted: Wanted[] = [
  { ...p99, ours: "stream", peer: { name: "what we promise", figure: 1 }, reach: 1 },
  { ...p99, ours: "stream", peer: "bare" },
  { ...rate, ours: "stream", peer: { name: "what we promise", figure: 500 }, reach: 1 },
  { ...rate, ours: "stream", peer: "bare" },
  { ...cpu, ours: "stream", peer: "bare" },
  { ...rate, row: pieces, ours: "pieces", peer: "stream" },
  { ...p99, row: `${pieces}, p99`, ours: "pieces", peer: "stream" },
];

/** A percentile tells of V8's compiling for as long as that goes on: 6 % of the core in the first two seconds, 1 % after five. */
const WARM_MS = 5_000;

/** Small calls, one at a time, while 10 MB go up the same connection again and again: beside what we promise and what a socket can do. */
export async function measureBesideStream(bench: Bench): Promise<Row[]> {
  const loads = { loads: [besideStream], warmMs: WARM_MS };
  return (await measureInSlices(bench, { subjects, open: openPair }, loads)).rows(wanted);
}

const besideStream: Load<Pair> = async (pair, durationMs) => {
  const before = await cpuMicrosOf(pair);
  const { MB, ...sample } = await pair.caller.ask<Sample & { MB: number }>("besideStream", durationMs);
  return { ...sample, cpu: ((await cpuMicrosOf(pair)) - before) / MB };
};
