import type { Clock } from "../call/clock.ts";
import { newTraceId } from "../call/ids.ts";
import type { AnyJob } from "../contract/action.ts";
import type { JobQueue, NewJob } from "../store/jobs.ts";
import { type Turns, turnsOf } from "./turns.ts";

const againMs = 1_000;
/** A timer is of this process's clock, and that of the store is what counts; both are compared this often. */
const longestWaitMs = 60_000;

/*
 * Stores the turns of schedules.
 * T1  Every process asks for every turn; the store takes one of them (see JobQueue.fire), so nobody leads and nobody is missed.
 * T2  What is asked for is always the last turn that has come: of turns that were missed one is made up.
 * T3  A turn has its type as dedupe key, so that it is left out while the one before waits or runs.
 */
export class Scheduler {
  private readonly clock: Clock;
  private readonly queue: JobQueue;
  private readonly schedules: readonly { readonly job: AnyJob; readonly turns: Turns }[];
  private readonly onFired: () => void;
  /** What the store's clock is ahead of ours. */
  private aheadMs = 0;
  private timer: NodeJS.Timeout | null = null;
  private asking: Promise<void> | null = null;
  private stopped = true;

  /** Throws where a schedule cannot be read. */
  constructor(jobs: readonly AnyJob[], queue: JobQueue, { clock, onFired }: { clock: Clock; onFired: () => void }) {
    this.clock = clock;
    this.queue = queue;
    this.onFired = onFired;
    this.schedules = jobs.flatMap((job) => {
      const { schedule } = job.definition;
      if (schedule === undefined) return [];
      try {
        return [{ job, turns: turnsOf(schedule) }];
      } catch (cause) {
        throw new Error(`the schedule of ${job.id} cannot be kept: ${(cause as Error).message}`, { cause });
      }
    });
  }

  /** `storeNow` is the store's clock. */
  start(storeNow: number): void {
    this.aheadMs = storeNow - this.clock.now();
    this.stopped = this.schedules.length === 0;
    if (!this.stopped) this.ask();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.asking;
  }

  private now(): number {
    return this.clock.now() + this.aheadMs;
  }

  private ask(): void {
    this.asking = this.fireAll().finally(() => {
      this.asking = null;
    });
  }

  private async fireAll(): Promise<void> {
    let waitMs = longestWaitMs;
    try {
      for (const { job, turns } of this.schedules) {
        const turnAt = turns.latest(this.now());
        if (turnAt === undefined) continue;
        this.aheadMs = (await this.queue.fire(jobOf(job, turnAt), turnAt)) - this.clock.now();
      }
      this.onFired();
      const now = this.now();
      for (const { turns } of this.schedules) waitMs = Math.min(waitMs, (turns.next(now) ?? now + waitMs) - now);
    } catch {
      // The store does not answer; the turn is asked for again.
      waitMs = againMs;
    }
    if (!this.stopped) this.timer = setTimeout(() => this.ask(), Math.max(1, waitMs));
  }
}

function jobOf({ id, definition }: AnyJob, turnAt: number): NewJob {
  return {
    id: `${id}@${new Date(turnAt).toISOString()}`,
    type: id,
    tenant: "default",
    input: "{}",
    delayMs: 0,
    priority: definition.priority ?? "normal",
    dedupeKey: "schedule",
    after: [],
    traceId: newTraceId(),
    metadata: {},
  };
}
