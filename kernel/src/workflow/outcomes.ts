import type { Outcome } from "../store/outcome.ts";
import type { RunStore } from "../store/workflows.ts";

const lookFirstMs = 50;
const lookLongestMs = 1_000;

interface Waiting {
  readonly resolve: (outcome: Outcome) => void;
}

/** Tells callers how runs end. Those that end here are heard of at once; others, which went on in another process, are looked for. */
export class Outcomes {
  private readonly runs: RunStore;
  private readonly waiting = new Map<string, Set<Waiting>>();
  private timer: NodeJS.Timeout | null = null;
  private waitMs = lookFirstMs;
  private isStopped = false;

  constructor(runs: RunStore) {
    this.runs = runs;
  }

  /** Listens from now on, until `forget`. */
  of(run: string): { within(ms: number, otherwise: Error): Promise<Outcome>; forget(): void } {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const listener = { resolve };
    const listeners = this.waiting.get(run) ?? new Set();
    this.waiting.set(run, listeners.add(listener));
    return {
      within: async (ms, otherwise) => {
        const { promise: late, reject } = Promise.withResolvers<never>();
        const timer = setTimeout(() => reject(otherwise), ms);
        this.lookSoon();
        return Promise.race([promise, late]).finally(() => clearTimeout(timer));
      },
      forget: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.waiting.delete(run);
      },
    };
  }

  heard(run: string, outcome: Outcome): void {
    for (const { resolve } of this.waiting.get(run) ?? []) resolve(outcome);
  }

  /** Something changed elsewhere. */
  wake(): void {
    this.waitMs = lookFirstMs;
    this.lookSoon();
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private lookSoon(): void {
    if (this.timer !== null || this.isStopped || this.waiting.size === 0) return;
    this.timer = setTimeout(() => void this.look(), this.waitMs);
  }

  private async look(): Promise<void> {
    try {
      for (const { id, outcome } of await this.runs.load([...this.waiting.keys()])) {
        if (outcome !== undefined) this.heard(id, outcome);
      }
    } catch {
      // The store does not answer now.
    }
    this.timer = null;
    this.waitMs = Math.min(lookLongestMs, this.waitMs * 2);
    this.lookSoon();
  }
}
