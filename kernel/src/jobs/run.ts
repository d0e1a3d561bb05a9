import { Context, type Handling } from "../call/context.ts";
import { newSpanId } from "../call/ids.ts";
import { Origin } from "../call/origin.ts";
import type { Runtime } from "../call/runtime.ts";
import type { Scope } from "../call/scope.ts";
import type { AnyJob } from "../contract/action.ts";
import { isFault } from "../contract/fault.ts";
import type { AnyHandler } from "../service/service.ts";
import type { ClaimedJob } from "../store/jobs.ts";
import type { Store } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { Work } from "../transaction/work.ts";

const backoffFirstMs = 200;
const backoffLongestMs = 300_000;
const everything: ReadonlySet<string> = new Set(["*"]);

/** Runs what was claimed of one type, once, to its committed end or to what follows from its failure. */
export interface Worker {
  readonly deadlineMs: number;
  /** Never rejects. */
  run(claimed: Claimed, surroundings: Surroundings): Promise<void>;
}

/** A claimed job, and the time that its run has. */
export interface Claimed {
  readonly job: ClaimedJob;
  readonly scope: Scope;
}

/** A job with what handles it. */
interface HandledJob extends Handling {
  readonly job: AnyJob;
  readonly handler: AnyHandler;
}

export function jobWorker(handled: HandledJob): Worker {
  const deadlineMs = handled.job.definition.deadlineMs ?? 60_000;
  return { deadlineMs, run: (claimed, surroundings) => runJob(handled, claimed, surroundings) };
}

/** What a run needs of the process that it is in. */
export interface Surroundings {
  readonly runtime: Runtime;
  readonly store: Store;
  /** The handler has ended; what it said is still to commit. */
  onHandled(): void;
  /** The process stops, and ended the run for that. */
  isCut(): boolean;
}

async function runJob(worker: HandledJob, { job, scope }: Claimed, surroundings: Surroundings): Promise<void> {
  const { runtime } = surroundings;
  const began = runtime.clock.monotonic();
  const spanId = newSpanId();
  const identity = { subject: `job:${job.type}`, tenant: job.tenant, permissions: everything };
  const origin = new Origin(identity, job.traceId, job.metadata);
  let failure: unknown;
  try {
    await attempt(worker, { job, scope, origin, spanId }, surroundings);
  } catch (error) {
    failure = error;
    scope.end(error as Error);
    await giveBack(worker.job, { job, error }, surroundings);
  }
  runtime.inspector.emit?.({
    kind: "job",
    id: job.type,
    of: "job",
    at: runtime.clock.now(),
    tookMs: runtime.clock.monotonic() - began,
    waitedMs: job.waitedMs,
    outcome: failure === undefined ? "ok" : isFault(failure) ? "fault" : "error",
    ...(isFault(failure) && { fault: failure.code }),
    attempt: job.attempt,
    traceId: job.traceId,
    spanId,
    tenant: job.tenant,
    subject: identity.subject,
  });
}

interface Run {
  readonly job: ClaimedJob;
  readonly scope: Scope;
  readonly origin: Origin;
  readonly spanId: string;
}

async function attempt(
  worker: HandledJob,
  { job, scope, origin, spanId }: Run,
  { runtime, store, onHandled }: Surroundings,
): Promise<void> {
  const work = new Work(origin, () => runtime.clock.now());
  const transaction = store.beginJob(job, scope);
  const context = new Context(worker, scope, origin).inTransaction(work, transaction.sql);
  context.spanId = spanId;
  const hasSchedule = worker.job.definition.schedule !== undefined;
  context.job = { id: job.id, attempt: job.attempt, hasSchedule, calls: 0 };
  try {
    await runtime.watched(scope, async () => worker.handler(context, inputOf(worker.job, job))).finally(onHandled);
    const { events, jobs } = work.close();
    const committed = await transaction.commit({ events, jobs });
    runtime.afterCommit(worker.service, [work], committed);
  } catch (error) {
    work.close();
    await transaction.rollback();
    throw error;
  }
}

async function giveBack(
  { definition, id }: AnyJob,
  { job, error }: { readonly job: ClaimedJob; readonly error: unknown },
  { runtime, store: { jobs }, isCut }: Surroundings,
): Promise<void> {
  if (storeFaults.stale.is(error)) return;
  const outage = isFault(error) && error.kind === "unavailable";
  const mayRetry = outage || job.attempt < (definition.attemptsMax ?? 10);
  const longest = Math.min(backoffLongestMs, backoffFirstMs * 2 ** Math.min(job.attempt - 1, 20));
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (!isFault(error)) runtime.reportFailure(id, error, job.traceId);
  try {
    if (isCut()) await jobs.release([job]);
    else await jobs.fail(job, text, mayRetry ? longest / 2 + (Math.random() * longest) / 2 : undefined);
  } catch {
    // The lease runs out by itself, and the job is claimed again.
  }
}

function inputOf(job: AnyJob, { input }: ClaimedJob): unknown {
  const result = job.definition.input["~standard"].validate(JSON.parse(input));
  if (result instanceof Promise) throw new Error(`${job.id} needs a schema that validates without a promise`);
  if (result.issues !== undefined)
    throw new Error(`the input does not fit the schema of ${job.id} any more: ${result.issues[0]?.message}`);
  return result.value;
}
