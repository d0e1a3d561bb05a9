import type { Binding, ValidCall } from "../call/context.ts";
import { canonicalJson, digest, newSpanId, uuidv7 } from "../call/ids.ts";
import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import type { AnyWorkflow } from "../contract/action.ts";
import { isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { Claims } from "../jobs/claims.ts";
import type { Claimed, Surroundings, Worker } from "../jobs/run.ts";
import { Runs } from "../jobs/runs.ts";
import type { AnyHandler, Service } from "../service/service.ts";
import type { ClaimedJob, NewJob } from "../store/jobs.ts";
import type { Outcome } from "../store/outcome.ts";
import type { Store } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import {
  jobTypeOf,
  jobTypesOf,
  type NewRun,
  type RunChange,
  type RunVerdict,
  type StepRecord,
  type StoredRun,
} from "../store/workflows.ts";
import { type Attempted, attemptRun, endOf, replayRun } from "./attempt.ts";
import { Stuck } from "./course.ts";
import { Divergence } from "./divergence.ts";
import type { HandledWorkflow } from "./flow.ts";
import { Gathered } from "./gathered.ts";
import { isStepKey, runId } from "./keys.ts";
import type { WorkflowStanding } from "./operations.ts";
import { Outcomes } from "./outcomes.ts";
import { StartCheck } from "./start-check.ts";
import { answerOf } from "./step.ts";

/*
 * Runs workflows.
 * F1  A run is held under the lease of its job, by one process at a time; when that stops renewing it, another takes over.
 * F2  A run that was started here is run here at once, under a lease that was stored with it.
 * F3  One that waits holds nothing: its job is due when the wait is over.
 * F4  What nobody can go on with (an undo that fails, code that differs, a bug) is stuck: its job is dead, and says why.
 * F5  A run that newer code began is left to processes that have that code: its job has a type of its own.
 * F6  Runs that wait and that this code cannot go on with are named at the start, before they are due.
 */

/** How a process runs workflows. */
export interface WorkflowOptions {
  /** Attempts at a time of runs that were claimed. Default 256: they hold no connection while they wait for a step. */
  readonly concurrency?: number;
  /** For how long a run is this process's without a sign of life. Default 5,000: whoever awaits a run awaits its recovery. */
  readonly leaseMs?: number;
}

/** Attempts at a time of runs that were started here; the rest are claimed when there is room. */
const startedMax = 256;
const bugAttemptsMax = 10;
const backoffFirstMs = 200;
const attemptMs = 86_400_000;
/** A caller is told that its run goes on while its own time lasts. */
const answerMs = 20;

interface Home {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly nodeName: string;
}

export class Workflows {
  private readonly home: Home;
  private readonly concurrency: number;
  private readonly lease: { readonly ms: number; readonly owner: string };
  private readonly handled = new Map<string, HandledWorkflow & { readonly handler: AnyHandler }>();
  /** Of the jobs of runs that this code can go on with. */
  private readonly types: readonly string[];
  private readonly writes: Gathered<RunChange, RunVerdict>;
  private readonly loads: Gathered<string, StoredRun | undefined>;
  private readonly outcomes: Outcomes;
  private readonly runs: Runs;
  /** Runs that were just stored here, and need not be read. */
  private readonly fresh = new Map<string, StoredRun>();
  private readonly startCheck: StartCheck;
  private started = 0;
  private claims: Claims | null = null;

  constructor(home: Home, services: readonly Service[], { concurrency = 256, leaseMs = 5_000 }: WorkflowOptions = {}) {
    const { runtime, store, nodeName } = home;
    this.home = home;
    this.concurrency = concurrency;
    this.lease = { ms: leaseMs, owner: `${nodeName}-${newSpanId().slice(0, 8)}` };
    this.writes = new Gathered((changes) => store.runs.write(changes));
    this.loads = new Gathered(async (ids) => {
      const found = new Map((await store.runs.load(ids)).map((run) => [run.id, run]));
      return ids.map((id) => found.get(id));
    });
    this.outcomes = new Outcomes(store.runs);
    const workers = new Map<string, Worker>();
    const worker: Worker = { deadlineMs: attemptMs, run: (claimed, around) => this.work(claimed, around) };
    for (const service of services) {
      for (const workflow of Object.values(service.contract.workflows)) {
        this.handled.set(workflow.id, handledOf(runtime, service, workflow));
        for (const type of jobTypesOf({ type: workflow.id, version: versionOf(workflow) })) workers.set(type, worker);
      }
    }
    this.types = [...workers.keys()];
    this.runs = new Runs({ runtime, store }, workers, { concurrency, leaseMs });
    this.startCheck = new StartCheck({
      runs: store.runs,
      replay: (run) => this.replay(run),
      report: ({ id, type, traceId }, { message }) =>
        runtime.reportFailure(
          type,
          new Error(`the run ${id} waits, and this code cannot go on with it: ${message}`),
          traceId,
        ),
    });
  }

  async start(): Promise<void> {
    const { store, runtime } = this.home;
    const { types } = this;
    if (types.length === 0) return;
    await store.jobs.declare(
      types.map((type) => ({ type, rateLimit: undefined, concurrency: undefined, schedule: undefined })),
    );
    const asks = { types, limited: new Set<string>(), concurrency: this.concurrency, lease: this.lease };
    this.claims = new Claims(this.runs, { queue: store.jobs, clock: runtime.clock }, asks);
    store.outbox.onAnnounced(() => this.wake());
    this.wake();
    this.startCheck.start(this.own);
  }

  /** Lets attempts under way go on until `budget` is spent, then hands them back. */
  async stop(budget: Scope): Promise<void> {
    this.startCheck.stop();
    await this.claims?.stop();
    await this.runs.stop(budget);
    this.outcomes.stop();
  }

  wake(): void {
    this.claims?.wake();
    this.outcomes.wake();
  }

  offer(jobs: readonly NewJob[]): void {
    this.claims?.offer(jobs.filter(({ type }) => this.types.includes(type)));
  }

  /** Nothing runs and nothing is due. */
  async isSettled(): Promise<boolean> {
    if (this.types.length === 0) return true;
    if (!this.runs.isIdle || this.claims?.isIdle === false) return false;
    const due = await this.home.store.jobs.nextDueMs(this.types);
    return due === undefined || due > 0;
  }

  async counts(): Promise<readonly WorkflowStanding[]> {
    const counted = await this.home.store.runs.standing(this.own);
    return counted.map((one) => ({ ...one, differing: this.startCheck.differingOf(one.type) }));
  }

  private get own(): readonly Pick<NewRun, "type" | "version">[] {
    return [...this.handled.values()].map(({ workflow }) => ({ type: workflow.id, version: versionOf(workflow) }));
  }

  /** Where this code takes another way than the run did. */
  async replay(run: StoredRun): Promise<Divergence | undefined> {
    const { runtime } = this.home;
    const handled = this.handled.get(run.type);
    if (handled === undefined) throw runtime.unknownAction(run.type);
    const { handler } = handled;
    return replayRun(handled, { run, scope: new Scope(runtime.clock, attemptMs, run.type) }, { runtime, handler });
  }

  /** Takes a call of a workflow: starts the run, or finds the one that has the idempotency key, and awaits its outcome. */
  async call({ binding, context, value }: ValidCall): Promise<unknown> {
    const workflow = binding.action as AnyWorkflow;
    const { clock } = this.home.runtime;
    const { origin, scope } = context;
    const { identity, traceId, metadata } = origin;
    const key = context.idempotencyKey;
    const run: NewRun = {
      id: key === undefined ? uuidv7(clock.now()) : runId(workflow, identity.tenant, key),
      type: workflow.id,
      version: versionOf(workflow),
      tenant: identity.tenant,
      actor: identity.subject,
      permissions: [...identity.permissions],
      input: JSON.stringify(value),
      inputHash: digest(32, workflow.id, canonicalJson(value)),
      startedAt: clock.now(),
      traceId,
      metadata,
      isChild: isStepKey(key),
    };
    const heard = this.outcomes.of(run.id);
    try {
      const isNew = await this.begin(run);
      const outcome = isNew ? undefined : await this.standing(run, context);
      if (outcome !== undefined) return answerOf(outcome);
      const timeUp = kernelFaults.pending({ workflow: workflow.id, run: run.id });
      return answerOf(await heard.within(Math.max(0, scope.remainingMs() - answerMs), timeUp));
    } finally {
      heard.forget();
    }
  }

  /** Whether the run is new: then it runs here from now on, or waits for a worker where too many do. */
  private async begin(run: NewRun): Promise<boolean> {
    const isHere = this.started < startedMax;
    if (isHere) this.started++;
    try {
      const verdict = await this.writes.add({ do: "start", run, lease: isHere ? this.lease : undefined });
      if (verdict !== "done") return false;
      if (!isHere) this.wake();
      else void this.runHere(run);
      return true;
    } finally {
      if (isHere) this.started--;
    }
  }

  private async runHere(run: NewRun): Promise<void> {
    this.started++;
    this.fresh.set(run.id, freshRun(run));
    await this.runs.begin(jobOf(run), () => {});
    this.started--;
  }

  /** What became of a run that was started before; raises a conflict where that was asked for something else. */
  private async standing(run: NewRun, context: ValidCall["context"]): Promise<Outcome | undefined> {
    const stored = await this.loads.add(run.id);
    if (stored === undefined) return undefined;
    if (Buffer.compare(stored.inputHash, run.inputHash) !== 0)
      throw kernelFaults.idempotencyConflict({ action: run.type });
    if (stored.outcome !== undefined && context.notes !== undefined) context.notes.replayed = true;
    return stored.outcome;
  }

  /** One attempt at a claimed run. Never rejects. */
  private async work({ job, scope }: Claimed, { onHandled, isCut }: Surroundings): Promise<void> {
    const { runtime, store } = this.home;
    let goesOn = true;
    try {
      const run = this.fresh.get(job.id) ?? (await this.stored(job));
      this.fresh.delete(job.id);
      if (run === undefined) return;
      const handled = this.handled.get(run.type) as HandledWorkflow & { readonly handler: AnyHandler };
      const { handler } = handled;
      const attempted = await attemptRun(
        handled,
        { run, job, scope },
        { runtime, runs: store.runs, writes: this.writes, handler },
      );
      // A parent that waits for its end, too.
      goesOn = attempted.how !== "ended" || run.isChild;
      if (attempted.how === "ended") this.outcomes.heard(job.id, attempted.outcome);
      if (attempted.how === "failed") await this.giveBack(handled, job, attempted);
      if (attempted.how === "left" && isCut()) await this.handOver(job, attempted.steps);
    } catch {
      // The store does not answer: the lease runs out by itself, and the run is claimed again.
    } finally {
      onHandled();
      // It may go on sooner than the next look.
      if (goesOn) this.claims?.wake();
    }
  }

  /** The run of a claimed job. One that a transaction has just enqueued is stored first; one that has ended needs no job any more. */
  private async stored(job: ClaimedJob): Promise<StoredRun | undefined> {
    const claim = { id: job.id, token: job.token };
    const run = await this.loads.add(job.id);
    if (run === undefined) {
      const enqueued = enqueuedRun(job);
      const verdict = await this.writes.add({ do: "adopt", run: enqueued, claim });
      return verdict === "done" ? freshRun(enqueued) : undefined;
    }
    if (run.outcome === undefined) return run;
    await this.writes.add({ do: "end", claim, steps: [], outcome: run.outcome, tells: endOf(run) });
    return undefined;
  }

  /** What it had begun may have taken effect: that is stored, so that the next knows of it. */
  private async handOver({ id, token }: ClaimedJob, steps: readonly StepRecord[]): Promise<void> {
    await this.writes.add({ do: "wait", claim: { id, token }, steps, dueInMs: 0, knowsCancelled: false });
  }

  /** F4. An outage is no failure of the run: its lease ends, and it is tried again. */
  private async giveBack(
    { workflow }: HandledWorkflow,
    job: ClaimedJob,
    { error, steps }: Attempted & { how: "failed" },
  ): Promise<void> {
    const { runtime, store } = this.home;
    if (isFault(error) && error.code.startsWith("store.")) {
      if (!storeFaults.stale.is(error)) await store.jobs.fail(job, error.message, backoffFirstMs);
      return;
    }
    runtime.reportFailure(workflow.id, error, job.traceId);
    const claim = { id: job.id, token: job.token };
    if (steps.length > 0) await this.writes.add({ do: "keep", claim, steps });
    const isFinal = error instanceof Divergence || error instanceof Stuck || job.attempt >= bugAttemptsMax;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    await store.jobs.fail(job, text, isFinal ? undefined : backoffFirstMs * 2 ** Math.min(job.attempt, 10));
  }
}

function handledOf(
  runtime: Runtime,
  service: Service,
  workflow: AnyWorkflow,
): HandledWorkflow & { readonly handler: AnyHandler } {
  const binding = runtime.bindings[workflow.slot] as Binding;
  // What a transaction step throws is told to its own handler, whether callers of the workflow may see it or not.
  const codes = new Set(Object.values(service.contract.faults).map(({ code }) => code));
  const rethrow = (error: unknown): never => {
    throw runtime.translated(workflow.id, codes, error);
  };
  return {
    runtime,
    service: service.contract.name,
    uses: service.uses,
    faults: binding.faults,
    workflow,
    codes: binding.codes,
    awaits: new Set(service.awaits.map(({ id }) => id)),
    transactions: { ...binding, codes, rethrow, group: null, standard: null, checkOutput: null, middleware: [] },
    handler: service.handlers.get(workflow) as AnyHandler,
  };
}

function versionOf({ definition }: AnyWorkflow): number {
  return definition.version ?? 1;
}

/** The job that was stored with a run, as this process holds it. */
function jobOf(run: NewRun): ClaimedJob {
  const { id, tenant, traceId, metadata } = run;
  const rest = {
    input: "",
    delayMs: 0,
    priority: "normal" as const,
    dedupeKey: undefined,
    token: 1,
    attempt: 1,
    waitedMs: 0,
  };
  return { id, type: jobTypeOf(run), tenant, traceId, metadata, ...rest };
}

/** A run that was just stored: nothing has become of it. */
function freshRun(run: NewRun): StoredRun {
  return { ...run, endedAt: undefined, isCancelled: false, outcome: undefined, steps: [], messages: [] };
}

/** What `ctx.start` enqueues: a job whose input has the run. */
function enqueuedRun(job: ClaimedJob): NewRun {
  const run = JSON.parse(job.input) as Omit<NewRun, "inputHash" | "isChild">;
  return { ...run, isChild: false, inputHash: digest(32, run.type, canonicalJson(JSON.parse(run.input))) };
}
