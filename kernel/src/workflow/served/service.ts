import { kernelFaults } from "../../contract/kernel-faults.ts";
import { type Identity, may } from "../../service/identity.ts";
import { pageOf } from "../../service/page.ts";
import { type Handler, implement, type Service } from "../../service/service.ts";
import type { Outcome } from "../../store/outcome.ts";
import type { RunFilter, RunReport } from "../../store/workflows.ts";
import type { RecordedStep } from "../history.ts";
import type { WorkflowOperations } from "../operations.ts";
import { type RunStatus, type RunSummary, type TimelineStep, workflowRuns } from "./contract.ts";

type Operating = Pick<Parameters<Handler<typeof workflowRuns.cancel>>[0], "identity" | "faults">;

/** Offers the runs of an application. `operations` are asked for at each call: the application is not made yet. */
export function workflowRunsService(operations: () => WorkflowOperations): Service {
  const reported = async (id: string, { tenant }: Identity): Promise<RunReport | undefined> => {
    const [found] = await operations().list({ id, tenant });
    return found;
  };
  const find: Handler<typeof workflowRuns.find> = async (ctx, { id }) => {
    const report = await reported(id, ctx.identity);
    if (report === undefined) throw ctx.faults.unknownRun({ id });
    const { type: workflow, state, endedAt } = report;
    const mayReadAll = may(ctx.identity, workflowRuns.list.definition.access);
    const run = mayReadAll && endedAt === undefined ? undefined : await operations().show(id);
    // Its outcome may tell what nobody knows who may do less than its starter might.
    const mayRead = mayReadAll || run?.permissions.every((one) => may(ctx.identity, one)) === true;
    if (!mayRead) throw ctx.faults.unknownRun({ id });
    const outcome = endedAt === undefined ? undefined : run?.outcome;
    return { id, workflow, state, ...(outcome !== undefined && { outcome: endedAs(outcome) }) };
  };
  const list: Handler<typeof workflowRuns.list> = async (ctx, { workflow: type, state, after, limit = 100 }) => {
    const filter = { tenant: ctx.identity.tenant, type, state, after: placeOf(after), limit: limit + 1 };
    const { page, next } = pageOf(await operations().list(filter), limit, (last) => `${last.startedAt}.${last.id}`);
    return { runs: page.map(summaryOf), next };
  };
  const timeline: Handler<typeof workflowRuns.timeline> = async (ctx, { id }) => {
    const report = await reported(id, ctx.identity);
    const run = report && (await operations().show(id));
    if (run === undefined) throw ctx.faults.unknownRun({ id });
    const { outcome } = run;
    return {
      ...summaryOf(report as RunReport),
      actor: run.actor,
      steps: run.steps.map(stepOf),
      ...(outcome !== undefined && { outcome: endedAs(outcome) }),
    };
  };
  const operated = async (ctx: Operating, id: string, work: (operations: WorkflowOperations) => Promise<void>) => {
    if ((await reported(id, ctx.identity)) === undefined) throw ctx.faults.unknownRun({ id });
    await work(operations()).catch((error) => {
      throw kernelFaults.unknownRun.is(error) ? ctx.faults.unknownRun({ id }) : error;
    });
    return {};
  };
  const cancel: Handler<typeof workflowRuns.cancel> = (ctx, { id }) => operated(ctx, id, (all) => all.cancel(id));
  const retry: Handler<typeof workflowRuns.retry> = (ctx, { id, from }) =>
    operated(ctx, id, (all) => all.retry(id, from));
  const signal: Handler<typeof workflowRuns.signal> = async (ctx, { id, signal: name, data }) => {
    try {
      return await operated(ctx, id, (all) => all.signal(id, name, data));
    } catch (error) {
      if (kernelFaults.unknownSignal.is(error)) throw ctx.faults.unknownSignal({ signal: name });
      throw kernelFaults.invalidInput.is(error) ? ctx.faults.unfitData({ issues: error.details.issues }) : error;
    }
  };
  return implement(workflowRuns, { queries: { find, list, timeline }, commands: { cancel, retry, signal } });
}

function placeOf(after = ""): RunFilter["after"] {
  const dot = after.indexOf(".");
  return dot < 0 ? undefined : { startedAt: Number(after.slice(0, dot)), id: after.slice(dot + 1) };
}

function summaryOf({ type: workflow, tenant: _, fault, startedAt, endedAt, dueAt, ...report }: RunReport): RunSummary {
  const times = { startedAt: new Date(startedAt).toISOString(), endedAt: isoOf(endedAt), dueAt: isoOf(dueAt) };
  return { ...report, ...times, workflow, fault: fault?.code };
}

function isoOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

function stepOf({ name, kind, beganAt, endedAt, attempts, error, dueAt, topic, outcome }: RecordedStep): TimelineStep {
  return {
    name,
    kind,
    beganAt: new Date(beganAt).toISOString(),
    endedAt: isoOf(endedAt),
    attempts,
    error,
    dueAt: isoOf(dueAt),
    waitsToHear: topic !== undefined && endedAt === undefined,
    ...(outcome !== undefined && { outcome: endedAs(outcome) }),
  };
}

/** Of what is our fault nothing but that it is: the text may hold anything. */
function endedAs(outcome: Outcome): NonNullable<RunStatus["outcome"]> {
  if ("result" in outcome) return { result: JSON.parse(outcome.result) };
  const { code, kind, message } = outcome.fault;
  return { fault: { code, kind, message: kind === "internal" ? "something went wrong on our side" : message } };
}
