import { newSpanId } from "../call/ids.ts";
import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import type { AnyJob } from "../contract/action.ts";
import type { AnyHandler, Service } from "../service/service.ts";
import type { ClaimedJob, JobType } from "../store/jobs.ts";
import type { Store } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { runJob, type Surroundings, type Worker } from "./run.ts";
import { Scheduler } from "./scheduler.ts";

/*
 * Claims jobs, and runs them.
 * J1  A job runs under a lease that this process renews; when it stops renewing, another takes over within two leases.
 * J2  What a run says in its transaction commits with the job's completion, under the token of its lease, or not at all.
 * J3  A failure is tried again with backoff, attemptsMax times; an outage of a dependency is not counted, nor is a run that a stop cut.
 * J4  No more handlers run than `concurrency`; no more jobs are held beside than they finish in `aheadMs`.
 */

/** How many jobs a process runs at a time, and for how long it has them without a sign of life. */
export interface JobOptions {
  /** Default 16: as many as the store has connections. */
  readonly concurrency?: number;
  /** Default 15,000. Renewed three times in it. */
  readonly leaseMs?: number;
}

const pollLongestMs = 2_000;
/** Jobs that take a millisecond are claimed by the hundred, those that take a second one by one, so that no process hoards. */
const aheadMs = 50;
const aheadMax = 400;
/** Claims that found something follow at this distance: what gathers meanwhile costs the store one statement. */
const gatherMs = 5;

export class Workers {
  private readonly runtime: Runtime;
  private readonly store: Store;
  private readonly concurrency: number;
  private readonly lease: { readonly ms: number; readonly owner: string };
  private readonly byType = new Map<string, Worker>();
  private readonly scheduler: Scheduler;
  private readonly surroundings: Surroundings;
  /** Claimed and not begun, the next one last. */
  private ready: ClaimedJob[] = [];
  /** Begun and not yet at their committed end. */
  private readonly running = new Map<ClaimedJob, { readonly scope: Scope; readonly end: Promise<void> }>();
  private handling = 0;
  /** Of a handler, smoothed. */
  private tookMs = aheadMs;
  private timer: NodeJS.Timeout | null = null;
  private heartbeat: NodeJS.Timeout | null = null;
  private claiming: Promise<void> | null = null;
  private claimedAt = Number.NEGATIVE_INFINITY;
  /** There may be more than the last claim took. */
  private again = false;
  private stopped = true;
  private cut = false;

  /** Throws where a schedule cannot be read. */
  constructor(
    { runtime, store, nodeName }: { runtime: Runtime; store: Store; nodeName: string },
    services: readonly Service[],
    { concurrency = 16, leaseMs = 15_000 }: JobOptions = {},
  ) {
    this.runtime = runtime;
    this.store = store;
    this.concurrency = concurrency;
    this.lease = { ms: leaseMs, owner: `${nodeName}-${newSpanId().slice(0, 8)}` };
    for (const { contract, uses, handlers } of services) {
      for (const job of Object.values(contract.jobs)) {
        const handler = handlers.get(job) as AnyHandler;
        this.byType.set(job.id, { runtime, service: contract.name, uses, faults: {}, job, handler });
      }
    }
    const onHandled = () => {
      this.handling--;
      this.begin();
    };
    this.surroundings = { runtime, store, onHandled, isCut: () => this.cut };
    const { clock } = runtime;
    this.scheduler = new Scheduler(this.jobs, store.jobs, { clock, onFired: () => this.wake() });
  }

  private get jobs(): AnyJob[] {
    return [...this.byType.values()].map(({ job }) => job);
  }

  async start(): Promise<void> {
    if (this.byType.size === 0) return;
    this.stopped = false;
    const storeNow = await this.store.jobs.declare(this.jobs.map(typeOf));
    this.scheduler.start(storeNow);
    this.store.outbox.onAnnounced(() => this.wake());
    this.heartbeat = setInterval(() => void this.renew(), this.lease.ms / 3);
    this.heartbeat.unref();
    this.wake();
  }

  /** Hands back what has not begun, lets the others finish until `budget` is spent, then cuts them and hands them back, too. */
  async stop(budget: Scope): Promise<void> {
    this.stopped = true;
    await this.scheduler.stop();
    if (this.timer !== null) clearTimeout(this.timer);
    await this.claiming;
    await this.store.jobs.release(this.ready.splice(0)).catch(() => {});
    const cut = setTimeout(() => {
      this.cut = true;
      for (const { scope } of this.running.values()) scope.end(scope.expired());
    }, budget.remainingMs());
    await Promise.all([...this.running.values()].map(({ end }) => end));
    clearTimeout(cut);
    if (this.heartbeat !== null) clearInterval(this.heartbeat);
  }

  /** Nothing runs and nothing is due, schedules apart. */
  async isSettled(): Promise<boolean> {
    if (this.held > 0 || this.claiming !== null) return false;
    const types = this.jobs.filter(({ definition }) => definition.schedule === undefined).map(({ id }) => id);
    const due = types.length === 0 ? undefined : await this.store.jobs.nextDueMs(types);
    return due === undefined || due > 0;
  }

  private get held(): number {
    return this.ready.length + this.running.size;
  }

  /** J4. */
  private get ahead(): number {
    return Math.min(aheadMax, Math.floor((this.concurrency * aheadMs) / Math.max(this.tookMs, 0.1)));
  }

  /** There may be something to do. */
  wake(): void {
    this.again = true;
    this.claimSoon(0);
  }

  private claimSoon(waitMs: number): void {
    if (this.stopped || this.claiming !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    const gathered = this.claimedAt + gatherMs - this.runtime.clock.monotonic();
    const delayMs = Math.max(waitMs, gathered);
    if (delayMs > 0) {
      this.timer = setTimeout(() => this.claimSoon(0), delayMs);
      return;
    }
    this.timer = null;
    this.claiming = this.claim()
      .catch(() => pollLongestMs)
      .then((nextMs) => {
        this.claiming = null;
        this.claimSoon(this.again && this.room > 0 ? 0 : nextMs);
      });
  }

  /** Half of what is ahead may be used up before more is claimed: claims that take many are cheap. */
  private get room(): number {
    const { ahead, held } = this;
    return this.ready.length > ahead / 2 ? 0 : this.concurrency + ahead - held;
  }

  /** Answers when to look again, in milliseconds, unless something is heard before. */
  private async claim(): Promise<number> {
    const { room } = this;
    if (room <= 0) return pollLongestMs;
    this.again = false;
    const types = [...this.byType.keys()];
    const jobs = await this.store.jobs.claim(types, room, this.lease);
    this.ready.unshift(...jobs.reverse());
    if (jobs.length > 0) this.claimedAt = this.runtime.clock.monotonic();
    this.again ||= jobs.length === room;
    this.begin();
    if (jobs.length > 0) return gatherMs;
    return Math.min(pollLongestMs, Math.max(gatherMs, (await this.store.jobs.nextDueMs(types)) ?? pollLongestMs));
  }

  private begin(): void {
    while (this.handling < this.concurrency) {
      const job = this.ready.pop();
      if (job === undefined) break;
      this.run(job);
    }
    if (this.again && this.room > 0) this.claimSoon(0);
  }

  private run(job: ClaimedJob): void {
    const worker = this.byType.get(job.type) as Worker;
    const { clock } = this.runtime;
    const scope = new Scope(clock, worker.job.definition.deadlineMs ?? 60_000, job.type);
    const began = clock.monotonic();
    this.handling++;
    const end = runJob(worker, { job, scope }, this.surroundings).finally(() => {
      this.running.delete(job);
      this.tookMs += (clock.monotonic() - began - this.tookMs) / 8;
      // Its end may have made room for the next of its type.
      if (worker.job.definition.concurrency !== undefined) this.wake();
      else if (this.again && this.room > 0) this.claimSoon(0);
    });
    this.running.set(job, { scope, end });
  }

  private async renew(): Promise<void> {
    if (this.held === 0) return;
    try {
      const held = await this.store.jobs.renew([...this.ready, ...this.running.keys()], this.lease.ms);
      this.ready = this.ready.filter(({ id }) => held.has(id));
      for (const [job, { scope }] of this.running) if (!held.has(job.id)) scope.end(storeFaults.stale());
    } catch {
      // Two more beats come before the lease runs out.
    }
  }
}

function typeOf({ id, definition: { rateLimit, concurrency, schedule } }: AnyJob): JobType {
  return { type: id, rateLimit, concurrency, schedule: schedule === undefined ? undefined : JSON.stringify(schedule) };
}
