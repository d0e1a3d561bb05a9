import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import type { ClaimedJob } from "../store/jobs.ts";
import type { Store } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import type { Worker } from "./run.ts";

/** Jobs that take a millisecond are taken by the hundred, those that take a second one by one, so that no process hoards. */
export const aheadMs = 50;
/** Handled, and on their way to their committed end: many share a commit, so that a slow disk holds up more of them, not all. */
export const endingMax = 1_000;

/** Who hands over a job, and hears what becomes of it. */
export interface Follower {
  /** Its handler has ended, after so long; undefined where it never began, because its lease was lost or the process stops. */
  left(job: ClaimedJob, tookMs: number | undefined): void;
  /** Its run is at its committed end, or given back. */
  ended(job: ClaimedJob): void;
}

/** The runs of one process, and the leases of all jobs that it holds. */
export class Runs {
  /** Of a handler, smoothed. */
  tookMs = aheadMs;
  private readonly runtime: Runtime;
  private readonly store: Store;
  private readonly workers: ReadonlyMap<string, Worker>;
  private readonly options: RunOptions;
  private readonly heartbeat: NodeJS.Timeout;
  /** Not begun, the next one last. */
  private readonly ready: { readonly job: ClaimedJob; readonly follower: Follower }[] = [];
  /** Begun and not yet at their committed end. */
  private readonly running = new Map<ClaimedJob, { readonly scope: Scope; readonly end: Promise<void> }>();
  /** Of those that run, how many were added. */
  private added = 0;
  private handling = 0;
  private cut = false;

  constructor(
    { runtime, store }: { readonly runtime: Runtime; readonly store: Store },
    workers: ReadonlyMap<string, Worker>,
    options: RunOptions,
  ) {
    this.runtime = runtime;
    this.store = store;
    this.workers = workers;
    this.options = options;
    this.heartbeat = setInterval(() => void this.renew(), options.leaseMs / 3).unref();
  }

  get isIdle(): boolean {
    return this.ready.length + this.running.size === 0;
  }

  /** Leased, and waiting for a handler's turn. */
  get waiting(): number {
    return this.ready.length;
  }

  /** How many more would begin at once. */
  get free(): number {
    return this.options.concurrency - this.handling;
  }

  /** Handled, and on their way to their committed end. */
  get ending(): number {
    return this.added - this.handling;
  }

  /** Runs leased jobs one after another, no more than `concurrency` handlers at a time. */
  add(jobs: readonly ClaimedJob[], follower: Follower): void {
    this.ready.unshift(...jobs.map((job) => ({ job, follower })).reverse());
    this.beginNext();
  }

  private beginNext(): void {
    while (this.free > 0) {
      const next = this.ready.pop();
      if (next === undefined) break;
      void this.run(next.job, next.follower);
    }
  }

  private async run(job: ClaimedJob, follower: Follower): Promise<void> {
    const { clock } = this.runtime;
    const beganMs = clock.monotonic();
    this.added++;
    this.handling++;
    await this.begin(job, () => {
      const tookMs = clock.monotonic() - beganMs;
      this.tookMs += (tookMs - this.tookMs) / 8;
      this.handling--;
      this.beginNext();
      follower.left(job, tookMs);
    });
    this.added--;
    follower.ended(job);
  }

  /** Runs a job that this process leased when it stored it, beside those that are added, to its committed end. */
  begin(job: ClaimedJob, onHandled: () => void): Promise<void> {
    const { runtime, store } = this;
    const worker = this.workers.get(job.type) as Worker;
    const scope = new Scope(runtime.clock, worker.deadlineMs, job.type);
    const end = worker
      .run({ job, scope }, { runtime, store, onHandled, isCut: () => this.cut })
      .finally(() => this.running.delete(job));
    this.running.set(job, { scope, end });
    return end;
  }

  /** Hands back what has not begun, lets the others finish until `budget` is spent, then cuts them and hands them back, too. */
  async stop(budget: Scope): Promise<void> {
    const unbegun = this.ready.splice(0);
    await this.store.jobs.release(unbegun.map(({ job }) => job)).catch(() => {});
    for (const { job, follower } of unbegun) follower.left(job, undefined);
    const cut = setTimeout(() => {
      this.cut = true;
      for (const { scope } of this.running.values()) scope.end(scope.expired());
    }, budget.remainingMs());
    await Promise.all([...this.running.values()].map(({ end }) => end));
    clearTimeout(cut);
    clearInterval(this.heartbeat);
  }

  private async renew(): Promise<void> {
    if (this.isIdle) return;
    try {
      const asked = [...this.ready.map(({ job }) => job), ...this.running.keys()];
      const held = await this.store.jobs.renew(asked, this.options.leaseMs);
      const lost = new Set(asked.filter(({ id }) => !held.has(id)));
      for (const job of lost) this.running.get(job)?.scope.end(storeFaults.stale());
      const kept = this.ready.filter(({ job }) => !lost.has(job));
      const dropped = this.ready.filter(({ job }) => lost.has(job));
      this.ready.splice(0, this.ready.length, ...kept);
      for (const { job, follower } of dropped) follower.left(job, undefined);
    } catch {
      // Two more beats come before the lease runs out.
    }
  }
}

export interface RunOptions {
  /** Handlers at a time. */
  readonly concurrency: number;
  readonly leaseMs: number;
}
