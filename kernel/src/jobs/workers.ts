import { newSpanId } from "../call/ids.ts";
import type { Runtime } from "../call/runtime.ts";
import type { Scope } from "../call/scope.ts";
import type { AnyJob } from "../contract/action.ts";
import type { AnyHandler, Service } from "../service/service.ts";
import type { JobType, NewJob } from "../store/jobs.ts";
import type { Store } from "../store/store.ts";
import { Claims } from "./claims.ts";
import { jobWorker, type Worker } from "./run.ts";
import { Runs } from "./runs.ts";
import { Scheduler } from "./scheduler.ts";
import type { JobSource } from "./source.ts";
import { Ticketed } from "./ticketed.ts";
import type { TicketQueue } from "./tickets.ts";

/*
 * Runs jobs.
 * J1  A job runs under a lease that this process renews; when it stops renewing, another takes over within two leases.
 * J2  What a run says in its transaction commits with the job's completion, under the token of its lease, or not at all.
 * J3  A failure is tried again with backoff, attemptsMax times; an outage of a dependency is not counted, nor is a run that a stop cut.
 * J4  No more handlers run than `concurrency`, and no more jobs wait for them here than they handle in 50 ms.
 */

/** How a process runs jobs. */
export interface JobOptions {
  /** Handlers at a time. Default 16: as many as the store has connections. */
  readonly concurrency?: number;
  /** For how long a job is this process's without a sign of life. Default 15,000; renewed three times in it. */
  readonly leaseMs?: number;
  /** Hands out jobs among processes. Default: the store itself. */
  readonly tickets?: TicketQueue | undefined;
}

interface Home {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly nodeName: string;
}

export class Workers {
  private readonly home: Home;
  private readonly options: JobOptions;
  private readonly jobs: AnyJob[] = [];
  private readonly byType = new Map<string, Worker>();
  private readonly scheduler: Scheduler;
  private runs: Runs | null = null;
  private source: JobSource | null = null;

  /** Throws where a schedule cannot be read. */
  constructor(home: Home, services: readonly Service[], options: JobOptions = {}) {
    this.home = home;
    this.options = options;
    const { runtime, store } = home;
    for (const { contract, uses, handlers } of services) {
      for (const job of Object.values(contract.jobs)) {
        const handler = handlers.get(job) as AnyHandler;
        this.jobs.push(job);
        this.byType.set(job.id, jobWorker({ runtime, service: contract.name, uses, faults: {}, job, handler }));
      }
    }
    const { clock } = runtime;
    this.scheduler = new Scheduler(this.jobs, store.jobs, { clock, onFired: () => this.wake() });
  }

  async start(): Promise<void> {
    if (this.byType.size === 0) return;
    const { runtime, store, nodeName } = this.home;
    const { concurrency = 16, leaseMs = 15_000, tickets } = this.options;
    const types = this.jobs.map(typeOf);
    const storeNow = await store.jobs.declare(types);
    await tickets?.open(types);
    this.runs = new Runs({ runtime, store }, this.byType, { concurrency, leaseMs });
    const asks = {
      types: types.map(({ type }) => type),
      limited: typesWith(types, "concurrency"),
      concurrency,
      lease: { ms: leaseMs, owner: `${nodeName}-${newSpanId().slice(0, 8)}` },
    };
    const given = { queue: store.jobs, clock: runtime.clock };
    this.source =
      tickets === undefined
        ? new Claims(this.runs, given, asks)
        : new Ticketed(this.runs, { ...given, tickets }, { ...asks, rated: typesWith(types, "rateLimit") });
    // Whoever commits jobs offers their tickets itself.
    if (tickets === undefined) store.outbox.onAnnounced((eventsAlone) => eventsAlone || this.wake());
    this.scheduler.start(storeNow);
    this.wake();
  }

  /** Hands back what has not begun, lets the others finish until `budget` is spent, then cuts them and hands them back, too. */
  async stop(budget: Scope): Promise<void> {
    await this.scheduler.stop();
    await this.source?.stop();
    await this.runs?.stop(budget);
    await this.options.tickets?.close();
  }

  /** Nothing runs and nothing is due, schedules apart. What a limit of its type holds back is due. */
  async isSettled(): Promise<boolean> {
    if (this.runs?.isIdle === false || this.source?.isIdle === false) return false;
    const types = this.jobs.filter(({ definition }) => definition.schedule === undefined).map(({ id }) => id);
    return types.length === 0 || (await this.home.store.jobs.free(types, 1)).length === 0;
  }

  /** Jobs were committed here. */
  offer(jobs: readonly NewJob[]): void {
    this.source?.offer(jobs.filter(({ type }) => this.byType.has(type)));
  }

  /** Something may be free. */
  wake(): void {
    this.source?.wake();
  }
}

function typeOf({ id, definition: { rateLimit, concurrency, schedule } }: AnyJob): JobType {
  return { type: id, rateLimit, concurrency, schedule: schedule === undefined ? undefined : JSON.stringify(schedule) };
}

function typesWith(types: readonly JobType[], limit: "rateLimit" | "concurrency"): ReadonlySet<string> {
  return new Set(types.filter((each) => each[limit] !== undefined).map(({ type }) => type));
}
