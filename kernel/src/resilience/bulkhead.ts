import type { BulkheadPolicy } from "../contract/remote-policy.ts";

/**
 * Places for the calls of one action under way from this process, and a bounded queue for those that find none. Who got a
 * place gives it back with `leave`.
 */
export class Bulkhead {
  inFlight = 0;
  readonly inFlightMax: number;
  private readonly queueMax: number;
  private readonly queue = new Set<() => void>();

  constructor(policy: Required<BulkheadPolicy> | null) {
    this.inFlightMax = policy?.inFlightMax ?? Number.POSITIVE_INFINITY;
    this.queueMax = policy?.queueMax ?? 0;
  }

  get queued(): number {
    return this.queue.size;
  }

  /** False: there is no place now; see `wait`. */
  enter(): boolean {
    if (this.inFlight >= this.inFlightMax) return false;
    this.inFlight++;
    return true;
  }

  /** Calls `enter` when a place is this call's, in order of asking; answers how to stop waiting, or null where the queue is full. */
  wait(enter: () => void): (() => void) | null {
    if (this.queue.size >= this.queueMax) return null;
    this.queue.add(enter);
    return () => this.queue.delete(enter);
  }

  leave(): void {
    const [next] = this.queue;
    if (next === undefined) {
      this.inFlight--;
      return;
    }
    this.queue.delete(next);
    next();
  }
}
