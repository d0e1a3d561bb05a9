import type { RecordedStep, RunHistory, RunReport, RunState } from "@banyan/kernel/workflows";
import { CommandFailure } from "../failure.ts";
import { firstLine, printWhetherMore } from "../output/listing.ts";
import { duration, print, printJson, table } from "../output/terminal.ts";
import { withOperator } from "../platform/with-operator.ts";
import { jsonInput } from "../project/json-input.ts";

interface Wanted {
  readonly json?: boolean;
  readonly state?: string;
  readonly type?: string;
  readonly limit: number;
}

/** Prints runs of workflows, the newest first. */
export async function listRuns({ json, state, type, limit }: Wanted): Promise<void> {
  const filter = { ...(state !== undefined && { state: state as RunState }), ...(type !== undefined && { type }) };
  const runs = (await withOperator((operator) =>
    operator.ask({ do: "runs", limit, ...filter }),
  )) as readonly RunReport[];
  if (json) return printJson(runs);
  if (runs.length === 0) return print("There are no such runs.");
  print(table([["ID", "WORKFLOW", "STATE", "BEGAN", "ABOUT"], ...runs.map((run) => lineOf(run, Date.now()))]));
  printWhetherMore(runs.length, limit);
  if (runs.some((run) => run.state === "stuck")) print("See why with `banyan workflows show ID`.");
}

function lineOf(run: RunReport, now: number): string[] {
  return [run.id, run.type, run.state, `${duration(now - run.startedAt)} ago`, aboutOf(run, now)];
}

function aboutOf({ state, version, owner, error, dueAt, fault, isCancelled }: RunReport, now: number): string {
  if (state === "failed") return fault?.code ?? "";
  if (state === "running") return `by ${owner}${isCancelled ? ", to be cancelled" : ""}`;
  if (state === "stuck") return firstLine(error);
  if (state === "due") return `for a process that has version ${version}`;
  if (state === "waiting")
    return dueAt === undefined ? "until it hears something" : `goes on in ${duration(dueAt - now)}`;
  return "";
}

/** Prints one run: its steps in the order in which it came to them, and what it waits for. */
export async function showRun(id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const run = (await withOperator((operator) => operator.ask({ do: "run", id }))) as RunHistory | null;
  if (run === null) throw unknown(id);
  if (json) return printJson(run);
  const now = Date.now();
  print(`${run.type} ${run.id}, version ${run.version}, trace ${run.traceId}`);
  print(
    `Began ${duration(now - run.startedAt)} ago for ${run.actor}, ${run.tenant}${run.isCancelled ? "; cancelled" : ""}.`,
  );
  const steps = run.steps.map((step) => [
    step.name,
    step.kind,
    stateOf(step),
    whenOf(step, now),
    firstLine(step.error),
  ]);
  if (steps.length > 0) print(table([["STEP", "KIND", "STATE", "WHEN", "ABOUT"], ...steps]));
  if (run.outcome !== undefined)
    print(
      "fault" in run.outcome
        ? `Ended in ${run.outcome.fault.code}: ${run.outcome.fault.message}`
        : `Answered ${run.outcome.result}`,
    );
}

function stateOf({ outcome, dueAt, topic }: RecordedStep): string {
  if (outcome !== undefined) return "fault" in outcome ? outcome.fault.code : "done";
  if (topic !== undefined) return "waits to hear";
  return dueAt === undefined ? "waits for a person" : "waits";
}

function whenOf({ beganAt, endedAt, dueAt }: RecordedStep, now: number): string {
  if (endedAt !== undefined) return `${duration(now - endedAt)} ago, took ${duration(endedAt - beganAt)}`;
  return dueAt === undefined || dueAt < now ? `since ${duration(now - beganAt)}` : `for ${duration(dueAt - now)} more`;
}

/** Lets a run that is stuck, or waits to try again, do so now. */
export async function retryRun(
  id: string,
  { json, from }: { readonly json?: boolean; readonly from?: string },
): Promise<void> {
  await withOperator((operator) => operator.ask({ do: "retryRun", id, ...(from !== undefined && { from }) }));
  if (json) printJson({ id, retried: true });
  else print(`${id} goes on${from === undefined ? "" : ` from "${from}"`}.`);
}

/** Ends a run: what it did is undone. */
export async function cancelRun(id: string, { json }: { readonly json?: boolean }): Promise<void> {
  await withOperator((operator) => operator.ask({ do: "cancelRun", id }));
  if (json) printJson({ id, cancelled: true });
  else print(`${id} begins nothing new, and takes back what it did.`);
}

const advice = `For example: --data '{"yes":true}'`;

/** Tells a run something that it may wait for. */
export async function signalRun(
  id: string,
  signal: string,
  { json, data = "{}" }: { readonly json?: boolean; readonly data?: string },
): Promise<void> {
  await withOperator((operator) =>
    operator.ask({ do: "signalRun", id, signal, data: jsonInput(data, "--data", advice) }),
  );
  if (json) printJson({ id, signal, sent: true });
  else print(`${id} was told "${signal}".`);
}

function unknown(id: string): CommandFailure {
  return new CommandFailure(`There is no run ${id}.`, "`banyan workflows` lists them.");
}
