import { type Better, compare, median, type Row } from "./row.ts";
import { PeerMissing, peer, type Running, type Subject, startSubject } from "./subject-process.ts";

/** One run of the bench, as its areas see it. */
export type Bench = {
  /** The area being measured. */
  area: string;
  /** A smoke run: everything happens, too briefly for its figures to mean anything. */
  quick: boolean;
  /** How often each subject is measured; a figure is the median of its rounds. */
  rounds: number;
  /** How long User Events are sent more than they can store. */
  overloadMs: number;
  /** Tells a waiting person what happens now. */
  progress(text: string): void;
  /** Aborted when the run is to end early; every process started with it is killed. */
  signal: AbortSignal;
};

/** A part of the bench that can be asked for by its name. */
export type Area = { name: string; about: string; run(bench: Bench): Promise<Row[]> };

/** What one round of one subject gave: a figure per metric. */
export type Sample = Record<string, number>;

/** A row that an area wants: which figures of which subjects it compares. */
export type Wanted = {
  row: string;
  ours: string;
  /** A subject, or a figure that is given rather than measured. */
  peer: string | { name: string; figure: number };
  metric: string;
  unit: string;
  better: Better;
  /** Left out where the peer is only printed beside. */
  reach?: number;
};

/** The samples of an area's subjects, and the rows made of them. */
export class Figures {
  readonly #bench: Bench;
  readonly #subjects: readonly Subject[];
  readonly #values = new Map<string, number[]>();

  constructor(bench: Bench, subjects: readonly Subject[]) {
    this.#bench = bench;
    this.#subjects = subjects;
  }

  add(subject: string, sample: Sample): void {
    for (const [metric, value] of Object.entries(sample)) {
      const key = `${subject} ${metric}`;
      this.#values.set(key, [...(this.#values.get(key) ?? []), value]);
    }
  }

  /** The wanted rows that were measured, each from medians over the rounds; the others are named, never dropped silently. */
  rows(wanted: readonly Wanted[]): Row[] {
    const rows: Row[] = [];
    for (const { row, ours, peer, metric, reach = 0, ...rest } of wanted) {
      const our = this.#median(ours, metric);
      const their = typeof peer === "string" ? this.#median(peer, metric) : peer.figure;
      const peerName = typeof peer === "string" ? this.#nameOf(peer) : peer.name;
      if (our === undefined || their === undefined) {
        this.#bench.progress(`no row "${row}" beside ${peerName}: it could not be measured`);
        continue;
      }
      rows.push(compare({ area: this.#bench.area, row, ours: our, peer: their, peerName, reach, ...rest }));
    }
    return rows;
  }

  #median(subject: string, metric: string): number | undefined {
    const values = this.#values.get(`${subject} ${metric}`);
    return values && median(values);
  }

  #nameOf(id: string): string {
    return this.#subjects.find((subject) => subject.id === id)?.name ?? id;
  }
}

/** Which subjects take part, and the core that each is bound to where it is to have one for itself. */
export type Field = { subjects: readonly Subject[]; core?: 0 | 1 };

/**
 * Measures every subject once per round, each time in a fresh process, so that a drift of the machine meets all alike.
 * A peer whose library is not installed is named and left out.
 */
export async function measureInRounds(
  bench: Bench,
  { subjects, core }: Field,
  measure: (running: Running, subject: Subject) => Promise<Sample>,
): Promise<Figures> {
  const figures = new Figures(bench, subjects);
  const missing = new Set<string>();
  for (let round = 1; round <= bench.rounds; round++) {
    for (const subject of subjects) {
      if (missing.has(subject.id)) continue;
      bench.progress(`round ${round} of ${bench.rounds}: ${subject.name}`);
      try {
        const running = await startSubject(subject, { ...(core !== undefined && { core }), signal: bench.signal });
        try {
          figures.add(subject.id, await measure(running, subject));
        } finally {
          await running.stop();
        }
      } catch (error) {
        if (!(error instanceof PeerMissing) || subject.module.href.endsWith("/ours.ts")) throw error;
        missing.add(subject.id);
        bench.progress(`${subject.name} is left out: ${error.message}`);
      }
    }
  }
  return figures;
}

/** The load generator of everything that speaks HTTP. */
export const autocannon: Subject = { id: "driver", name: "autocannon", module: peer("http/autocannon") };

/** What is measured, and the process that loads it. */
export type Loaded = { readonly running: Running; readonly loading: Running };

/** The same under the load of autocannon, in one process for all; on the other core where the subjects have one for themselves. */
export async function measureUnderLoad(
  bench: Bench,
  field: Field,
  measure: (loaded: Loaded, subject: Subject) => Promise<Sample>,
): Promise<Figures> {
  const core = field.core === undefined ? {} : { core: field.core === 0 ? (1 as const) : (0 as const) };
  const loading = await startSubject(autocannon, { ...core, signal: bench.signal });
  try {
    return await measureInRounds(bench, field, (running, subject) => measure({ running, loading }, subject));
  } finally {
    await loading.stop();
  }
}
