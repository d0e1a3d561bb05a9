import { newSpanId } from "../call/ids.ts";
import type { Runtime } from "../call/runtime.ts";
import type { Scope } from "../call/scope.ts";
import { faultRecord, isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { validateNow } from "../contract/schema.ts";
import type { Claimed } from "../jobs/run.ts";
import type { AnyHandler } from "../service/service.ts";
import type { Outcome } from "../store/outcome.ts";
import type { Message, NewRun, RunChange, RunStore, RunVerdict, StepRecord, StoredRun } from "../store/workflows.ts";
import { Course, type Leaving } from "./course.ts";
import { Divergence } from "./divergence.ts";
import { Flow, type HandledWorkflow } from "./flow.ts";
import type { Gathered } from "./gathered.ts";
import { endTopic } from "./topics.ts";

/** How an attempt at a run came out: it ended here, goes on later or elsewhere, or failed in a way that its steps do not tell of. */
export type Attempted =
  | { readonly how: "ended"; readonly outcome: Outcome }
  | { readonly how: "left"; readonly steps: readonly StepRecord[] }
  | { readonly how: "failed"; readonly error: unknown; readonly steps: readonly StepRecord[] };

interface Making {
  readonly runtime: Runtime;
  readonly runs: Pick<RunStore, "cancel">;
  readonly writes: Gathered<RunChange, RunVerdict>;
  readonly handler: AnyHandler;
}

const stepsMaxDefault = 1_000;

/** Runs the handler from its beginning until the run ends, waits, or is lost. Never rejects. */
export async function attemptRun(
  handled: HandledWorkflow,
  { run, job, scope }: Claimed & { readonly run: StoredRun },
  { runtime, runs, writes, handler }: Making,
): Promise<Attempted> {
  const { definition } = handled.workflow;
  const claim = { id: job.id, token: job.token };
  const began = runtime.clock.monotonic();
  const { promise: left, resolve: leave } = Promise.withResolvers<Leaving>();
  const course = new Course(run, job.attempt === 1, {
    clock: runtime.clock,
    stepsMax: definition.stepsMax ?? stepsMaxDefault,
    isReplay: false,
    save: (steps) => writes.add({ do: "keep", claim, steps }),
    cancel: async (child) => {
      if (await runs.cancel(child)) runtime.wakeJobs();
    },
    leave,
  });
  scope.onEnd = () => leave({ why: "lost" });
  const flow = new Flow(handled, { run, claim, scope, course });
  const going = conclude(flow, { handled, handler, course, run }, runtime);
  const attempted = await Promise.race([going, left]).then(
    (how) => settle(how, { course, run }, (change) => writes.add({ ...change, claim } as RunChange)),
    (error: unknown) => ({ how: "failed" as const, error, steps: course.unsavedSteps }),
  );
  going.catch(() => {});
  scope.end(kernelFaults.cancelled({ action: run.type }));
  record(runtime, { run, job }, { attempted, began });
  return attempted;
}

/** Runs the handler as far as the run's history goes; answers where they differ. */
export async function replayRun(
  handled: HandledWorkflow,
  { run, scope }: { readonly run: StoredRun; readonly scope: Scope },
  { runtime, handler }: Pick<Making, "runtime" | "handler">,
): Promise<Divergence | undefined> {
  const { promise: left, resolve: leave } = Promise.withResolvers<Leaving>();
  const stepsMax = handled.workflow.definition.stepsMax ?? stepsMaxDefault;
  const course = new Course(run, true, {
    clock: runtime.clock,
    stepsMax,
    isReplay: true,
    save: async () => "lost",
    cancel: async () => {},
    leave,
  });
  const flow = new Flow(handled, { run, claim: undefined, scope, course });
  const going = conclude(flow, { handled, handler, course, run }, runtime);
  try {
    const how = await Promise.race([going, left]);
    const error = "why" in how && how.why === "failed" ? how.error : undefined;
    return error instanceof Divergence ? error : undefined;
  } catch (error) {
    return error instanceof Divergence ? error : undefined;
  } finally {
    going.catch(() => {});
  }
}

/** What the handler answers, or the fault that it ends in, once all is undone; throws what is no fault. */
async function conclude(
  flow: Flow,
  { handled, handler, course, run }: { handled: HandledWorkflow; handler: AnyHandler; course: Course; run: StoredRun },
  runtime: Runtime,
): Promise<{ readonly outcome: Outcome; readonly steps: readonly StepRecord[] }> {
  const { workflow, codes } = handled;
  let outcome: Outcome;
  try {
    const { input, output } = workflow.definition;
    const value = validateNow(input, JSON.parse(run.input), (issues) =>
      kernelFaults.invalidInput({ action: workflow.id, issues }),
    );
    const answer = await handler(flow, value);
    const checked = validateNow(
      output,
      answer,
      (issues) =>
        new Error(`${workflow.id} answered what its output refuses: ${issues[0]?.path}: ${issues[0]?.message}`),
    );
    outcome = { result: JSON.stringify(checked ?? null) };
  } catch (error) {
    if (!isFault(error)) throw error;
    await flow.undo();
    const told = kernelFaults.runCancelled.is(error)
      ? course.cancellation(error)
      : runtime.translated(workflow.id, codes, error);
    outcome = { fault: faultRecord(isFault(told) ? told : error) };
  }
  return { outcome, steps: course.end() };
}

async function settle(
  how: Leaving | { readonly outcome: Outcome; readonly steps: readonly StepRecord[] },
  { course, run }: { readonly course: Course; readonly run: StoredRun },
  write: (change: object) => Promise<string>,
): Promise<Attempted> {
  try {
    if ("outcome" in how) {
      const { outcome, steps } = how;
      const verdict = await write({ do: "end", steps, outcome, tells: endOf(run) });
      return verdict === "lost" ? { how: "left", steps: [] } : { how: "ended", outcome };
    }
    const { unsavedSteps: steps, knowsCancelled } = course;
    if (how.why === "waits") await write({ do: "wait", steps, dueInMs: how.dueInMs, knowsCancelled });
    if (how.why === "failed") return { how: "failed", error: how.error, steps };
    return { how: "left", steps };
  } catch (error) {
    return { how: "failed", error, steps: [] };
  }
}

/** What the end of a run tells the step that called it. */
export function endOf({ id, isChild }: NewRun): Message | undefined {
  return isChild ? { id: `end ${id}`, topic: endTopic(id), data: "null" } : undefined;
}

function record(
  runtime: Runtime,
  { run, job }: Pick<Claimed, "job"> & { readonly run: StoredRun },
  { attempted, began }: { readonly attempted: Attempted; readonly began: number },
): void {
  const fault = attempted.how === "ended" && "fault" in attempted.outcome ? attempted.outcome.fault.code : undefined;
  runtime.inspector.emit?.({
    kind: "job",
    id: run.type,
    of: "workflow",
    at: runtime.clock.now(),
    tookMs: runtime.clock.monotonic() - began,
    waitedMs: job.waitedMs,
    outcome: attempted.how === "failed" ? "error" : fault === undefined ? "ok" : "fault",
    ...(fault !== undefined && { fault }),
    attempt: job.attempt,
    traceId: run.traceId,
    spanId: newSpanId(),
    tenant: run.tenant,
    subject: run.actor,
  });
}
