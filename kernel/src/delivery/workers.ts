import { Context, type Handling } from "../call/context.ts";
import { newSpanId, newTraceId, uuidv7 } from "../call/ids.ts";
import { Origin } from "../call/origin.ts";
import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import type { AnyJob } from "../contract/action.ts";
import { isFault } from "../contract/fault.ts";
import type { AnyHandler, Service } from "../service/service.ts";
import type { ClaimedJob, NewJob, Store } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { Work } from "../transaction/work.ts";

/*
 * Runs jobs.
 * J1  A job runs under a lease that its worker renews; when it stops renewing, another takes over within two leases.
 * J2  What a run says in its transaction commits with the job's completion, under the token of its lease, or not at all.
 * J3  A failure is tried again with backoff, attemptsMax times; an outage of a dependency is not counted.
 * J4  A scheduled job is stored once, however many processes ask; its successor is stored with its completion.
 */

const leaseMs = 15_000;
const concurrent = 8;
const pollLongestMs = 2_000;
const backoffFirstMs = 200;
const backoffLongestMs = 300_000;

interface Worker extends Handling {
  readonly job: AnyJob;
  readonly handler: AnyHandler;
}

const everything: ReadonlySet<string> = new Set(["*"]);

export class Workers {
  private readonly runtime: Runtime;
  private readonly store: Store;
  private readonly byType = new Map<string, Worker>();
  private readonly running = new Map<ClaimedJob, { readonly scope: Scope; readonly end: Promise<void> }>();
  private timer: NodeJS.Timeout | null = null;
  private heartbeat: NodeJS.Timeout | null = null;
  private claiming: Promise<void> | null = null;
  private again = false;
  private stopped = true;

  constructor(runtime: Runtime, store: Store, services: readonly Service[]) {
    this.runtime = runtime;
    this.store = store;
    for (const { contract, uses, handlers } of services) {
      for (const job of Object.values(contract.jobs)) {
        this.byType.set(job.id, {
          runtime,
          service: contract.name,
          uses,
          faults: {},
          job,
          handler: handlers.get(job) as AnyHandler,
        });
      }
    }
  }

  async start(): Promise<void> {
    if (this.byType.size === 0) return;
    this.stopped = false;
    const scheduled = [...this.byType.values()].flatMap(({ job }) =>
      job.definition.everyMs === undefined ? [] : [this.scheduled(job, 0)],
    );
    await this.store.jobs.add(scheduled);
    this.store.outbox.onAnnounced(() => this.wake());
    this.heartbeat = setInterval(() => void this.renew(), leaseMs / 3);
    this.heartbeat.unref();
    this.wake();
  }

  /** Lets running jobs finish until `deadline`'s end, then aborts them: their leases run out, and another process takes over. */
  async stop(budget: Scope): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.claiming;
    const cut = setTimeout(() => {
      for (const { scope } of this.running.values()) scope.end(scope.expired());
    }, budget.remainingMs());
    await Promise.all([...this.running.values()].map(({ end }) => end));
    clearTimeout(cut);
    if (this.heartbeat !== null) clearInterval(this.heartbeat);
  }

  async isSettled(): Promise<boolean> {
    if (this.running.size > 0 || this.claiming !== null) return false;
    const unscheduled = [...this.byType.values()]
      .filter(({ job }) => job.definition.everyMs === undefined)
      .map(({ job }) => job.id);
    const due = unscheduled.length === 0 ? undefined : await this.store.jobs.nextDueMs(unscheduled);
    return due === undefined || due > 0;
  }

  wake(): void {
    this.again = true;
    if (this.stopped || this.claiming !== null) return;
    this.claiming = this.claim().finally(() => {
      this.claiming = null;
      if (this.again && !this.stopped && this.running.size < concurrent) this.wake();
    });
  }

  private async claim(): Promise<void> {
    this.again = false;
    const room = concurrent - this.running.size;
    if (room <= 0) return;
    let waitMs = pollLongestMs;
    try {
      const types = [...this.byType.keys()];
      const jobs = await this.store.jobs.claim(types, room, leaseMs);
      for (const job of jobs) this.run(job);
      if (jobs.length === room) this.again = true;
      else waitMs = Math.min(pollLongestMs, (await this.store.jobs.nextDueMs(types)) ?? pollLongestMs);
    } catch {
      // The database does not answer; the next poll comes anyway.
    }
    if (this.stopped) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => this.wake(), Math.max(5, waitMs));
  }

  private run(job: ClaimedJob): void {
    const worker = this.byType.get(job.type) as Worker;
    const scope = new Scope(this.runtime.clock, worker.job.definition.deadlineMs ?? 60_000, job.type);
    const end = this.attempt(worker, job, scope).finally(() => {
      this.running.delete(job);
      this.wake();
    });
    this.running.set(job, { scope, end });
  }

  private async attempt(worker: Worker, job: ClaimedJob, scope: Scope): Promise<void> {
    const { runtime, store } = this;
    const began = runtime.clock.monotonic();
    const spanId = newSpanId();
    const origin = new Origin(
      { subject: `job:${job.type}`, tenant: job.tenant, permissions: everything },
      job.traceId,
      job.metadata,
    );
    const work = new Work(origin, () => runtime.clock.now());
    const transaction = store.beginJob(job, scope);
    const context = new Context(worker, scope, origin).inTransaction(work, transaction.sql);
    context.spanId = spanId;
    context.job = { id: job.id, attempt: job.attempt, calls: 0 };
    let failure: unknown;
    try {
      await runtime.watched(scope, async () => worker.handler(context, inputOf(worker.job, job)));
      const { events, jobs } = work.close();
      const { everyMs } = worker.job.definition;
      const next = everyMs === undefined || job.dedupeKey !== scheduleKey ? [] : [this.scheduled(worker.job, everyMs)];
      const committed = await transaction.commit({ events, jobs: [...jobs, ...next] });
      runtime.afterCommit(worker.service, [work], committed);
    } catch (error) {
      failure = error;
      work.close();
      scope.end(error as Error);
      await transaction.rollback();
      await this.failed(worker, job, error);
    }
    runtime.inspector.emit?.({
      kind: "job",
      id: job.type,
      of: "job",
      at: runtime.clock.now(),
      tookMs: runtime.clock.monotonic() - began,
      outcome: failure === undefined ? "ok" : isFault(failure) ? "fault" : "error",
      ...(isFault(failure) && { fault: failure.code }),
      attempt: job.attempt,
      traceId: job.traceId,
      spanId,
      tenant: job.tenant,
      subject: origin.identity.subject,
    });
  }

  private async failed({ job: { definition, id } }: Worker, job: ClaimedJob, error: unknown): Promise<void> {
    if (storeFaults.stale.is(error)) return;
    const outage = isFault(error) && error.kind === "unavailable";
    const mayRetry = outage || definition.everyMs !== undefined || job.attempt < (definition.attemptsMax ?? 10);
    const longest = Math.min(backoffLongestMs, backoffFirstMs * 2 ** Math.min(job.attempt, 20));
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (!isFault(error)) this.runtime.reportFailure(id, error, job.traceId);
    try {
      await this.store.jobs.fail(job, text, mayRetry ? longest / 2 + (Math.random() * longest) / 2 : undefined);
    } catch {
      // The lease runs out by itself, and the job is claimed again.
    }
  }

  private async renew(): Promise<void> {
    if (this.running.size === 0) return;
    try {
      const held = await this.store.jobs.renew([...this.running.keys()], leaseMs);
      for (const [job, { scope }] of this.running) if (!held.has(job.id)) scope.end(storeFaults.stale());
    } catch {
      // Two more beats come before the lease runs out.
    }
  }

  private scheduled(job: AnyJob, delayMs: number): NewJob {
    return {
      id: uuidv7(this.runtime.clock.now()),
      type: job.id,
      tenant: "default",
      input: "{}",
      delayMs,
      dedupeKey: scheduleKey,
      traceId: newTraceId(),
      metadata: {},
    };
  }
}

const scheduleKey = "schedule";

function inputOf(job: AnyJob, { input }: ClaimedJob): unknown {
  const result = job.definition.input["~standard"].validate(JSON.parse(input));
  if (result instanceof Promise) throw new Error(`${job.id} needs a schema that validates without a promise`);
  if (result.issues !== undefined)
    throw new Error(`the input does not fit the schema of ${job.id} any more: ${result.issues[0]?.message}`);
  return result.value;
}
