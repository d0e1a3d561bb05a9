import { type Bench, Figures, type Sample } from "./rounds.ts";
import { PeerMissing, type Running, type Subject, startSubject } from "./subject-process.ts";

/** Starts a process of a subject, bound to a core where there are two, and stops it at the end of the round. */
export type Start = (subject: Subject, core: 0 | 1) => Promise<Running>;

/** Who takes part, and what is measured of each: its processes, and what is known of them. */
export type Sliced<Opened> = {
  readonly subjects: readonly Subject[];
  readonly open: (subject: Subject, start: Start) => Promise<Opened>;
};

/** Puts what was opened to work for so long, and says what came of it. */
export type Load<Opened> = (opened: Opened, durationMs: number) => Promise<Sample>;

/** What each is put to in turn, once it has done so for `warmMs`: V8 compiles meanwhile, in threads that share the process's one core. */
export type Loads<Opened> = {
  readonly loads: readonly Load<Opened>[];
  readonly warmMs: number;
  /** Default 200. */
  readonly sliceMs?: number;
};

const SLICES = 8;

/**
 * Measures every subject under each load in slices of a fraction of a second, by turns, while the processes of all of them live. A
 * machine has moods that last for seconds, such as how quickly it wakes a core that sleeps, and so they meet all alike. A figure is the
 * median of its slices, of every round; each round has fresh processes. A peer that is not installed is named and left out.
 */
export async function measureInSlices<Opened>(
  bench: Bench,
  { subjects, open }: Sliced<Opened>,
  { loads, warmMs, sliceMs: fullMs = 200 }: Loads<Opened>,
): Promise<Figures> {
  const figures = new Figures(bench, subjects);
  const [sliceMs, slices] = bench.quick ? [fullMs / 2, 1] : [fullMs, SLICES];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.progress(`round ${round} of ${bench.rounds}: ${subjects.map(({ name }) => name).join(", ")}`);
    await using processes = new AsyncDisposableStack();
    const start: Start = async (subject, core) =>
      processes.adopt(await startSubject(subject, { core, signal: bench.signal }), (running) => running.stop());
    const all: { id: string; opened: Opened }[] = [];
    for (const subject of subjects) {
      try {
        all.push({ id: subject.id, opened: await open(subject, start) });
      } catch (error) {
        if (!(error instanceof PeerMissing) || subject.module.href.includes("/src/")) throw error;
        bench.progress(`${subject.name} is left out: ${error.message}`);
      }
    }
    for (const load of loads) {
      for (const { opened } of all) await load(opened, bench.quick ? sliceMs : warmMs);
      for (let slice = 0; slice < slices; slice++) {
        for (const { id, opened } of all) figures.add(id, await load(opened, sliceMs));
      }
    }
  }
  return figures;
}
