import { type Bench, Figures, type Sample } from "../rounds.ts";
import { PeerMissing, type Running, type Subject, startSubject } from "../subject-process.ts";

/** Both sides of a subject: two processes, each with a core for itself where there are two. */
export type Pair = { subject: Subject; callee: Running; caller: Running };

/** Puts a pair to work for so long, and says what came of it. */
export type Load = (pair: Pair, durationMs: number) => Promise<Sample>;

/** What each pair is put to in turn, once it has done so for `warmMs`: V8 compiles meanwhile, in threads that share the process's one core. */
export type Loads = { loads: readonly Load[]; warmMs: number };

const SLICE_MS = 200;
const SLICES = 8;

/**
 * Measures every subject under each load in slices of a fraction of a second, by turns, while the processes of all of them live. A
 * machine has moods that last for seconds, such as how quickly it wakes a core that sleeps, and so they meet all alike. A figure is the
 * median of its slices, of every round; each round has fresh processes. A peer that is not installed is named and left out.
 */
export async function measureInSlices(
  bench: Bench,
  subjects: readonly Subject[],
  { loads, warmMs }: Loads,
): Promise<Figures> {
  const figures = new Figures(bench, subjects);
  const [sliceMs, slices] = bench.quick ? [20, 1] : [SLICE_MS, SLICES];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.progress(`round ${round} of ${bench.rounds}: ${subjects.map(({ name }) => name).join(", ")}`);
    await using processes = new AsyncDisposableStack();
    const pairs: Pair[] = [];
    for (const subject of subjects) {
      const pair = await openPair(bench, subject, processes);
      if (pair !== undefined) pairs.push(pair);
    }
    for (const load of loads) {
      for (const pair of pairs) await load(pair, bench.quick ? sliceMs : warmMs);
      for (let slice = 0; slice < slices; slice++) {
        for (const pair of pairs) figures.add(pair.subject.id, await load(pair, sliceMs));
      }
    }
  }
  return figures;
}

async function openPair(bench: Bench, subject: Subject, processes: AsyncDisposableStack): Promise<Pair | undefined> {
  const start = async (core: 0 | 1, options: object) => {
    const side = { ...subject, options: { ...subject.options, ...options } };
    return processes.adopt(await startSubject(side, { core, signal: bench.signal }), (running) => running.stop());
  };
  try {
    const callee = await start(0, { role: "callee" });
    const caller = await start(1, { role: "caller", address: await callee.ask<string>("address") });
    return { subject, callee, caller };
  } catch (error) {
    if (!(error instanceof PeerMissing) || subject.module.href.includes("/src/")) throw error;
    bench.progress(`${subject.name} is left out: ${error.message}`);
    return undefined;
  }
}

/** What both sides have spent so far, in microseconds. */
export async function cpuMicrosOf({ callee, caller }: Pair): Promise<number> {
  return (await callee.ask<number>("cpuMicros")) + (await caller.ask<number>("cpuMicros"));
}
