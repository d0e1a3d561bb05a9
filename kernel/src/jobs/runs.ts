import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import type { ClaimedJob } from "../store/jobs.ts";
import type { Store } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import type { Worker } from "./run.ts";

/** The runs of one process, and the leases of all jobs that it holds. */
export class Runs {
  /** Claimed and not begun, the next one last. */
  readonly ready: ClaimedJob[] = [];
  private readonly runtime: Runtime;
  private readonly store: Store;
  private readonly workers: ReadonlyMap<string, Worker>;
  private readonly leaseMs: number;
  private readonly heartbeat: NodeJS.Timeout;
  /** Begun and not yet at their committed end. */
  private readonly running = new Map<ClaimedJob, { readonly scope: Scope; readonly end: Promise<void> }>();
  /** Of those that run, how many were claimed. */
  private claimed = 0;
  private cut = false;

  constructor(
    { runtime, store }: { readonly runtime: Runtime; readonly store: Store },
    workers: ReadonlyMap<string, Worker>,
    leaseMs: number,
  ) {
    this.runtime = runtime;
    this.store = store;
    this.workers = workers;
    this.leaseMs = leaseMs;
    this.heartbeat = setInterval(() => void this.renew(), leaseMs / 3).unref();
  }

  /** How many were claimed and are not at their end. */
  get held(): number {
    return this.ready.length + this.claimed;
  }

  get isIdle(): boolean {
    return this.ready.length + this.running.size === 0;
  }

  /** Resolves at the run's committed end; `onHandled` hears when its handler has ended. */
  async run(job: ClaimedJob, onHandled: () => void): Promise<void> {
    this.claimed++;
    await this.begin(job, onHandled);
    this.claimed--;
  }

  /** The same for a job that this process leased when it stored it, beside those that it claims. */
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
    await this.store.jobs.release(this.ready.splice(0)).catch(() => {});
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
      const asked = [...this.ready, ...this.running.keys()];
      const held = await this.store.jobs.renew(asked, this.leaseMs);
      const lost = new Set(asked.filter(({ id }) => !held.has(id)));
      for (const job of lost) this.running.get(job)?.scope.end(storeFaults.stale());
      this.ready.splice(0, this.ready.length, ...this.ready.filter((job) => !lost.has(job)));
    } catch {
      // Two more beats come before the lease runs out.
    }
  }
}
