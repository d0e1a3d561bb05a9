import { command, query } from "../../contract/action.ts";
import { type AnyContract, defineContract } from "../../contract/contract.ts";
import { type FaultKind, fault } from "../../contract/fault.ts";
import type { Issue } from "../../contract/schema.ts";
import type { RunState } from "../../store/workflows.ts";
import { anything, objectSchema, optional, text } from "./object-schema.ts";

/** What became of a run: what its workflow answered, or the fault that it ended in. */
type Ended = { readonly result: unknown } | { readonly fault: EndedFault };

interface EndedFault {
  readonly code: string;
  readonly kind: FaultKind;
  readonly message: string;
}

/** A run, for who started it. */
export interface RunStatus {
  readonly id: string;
  /** "payments.capture" */
  readonly workflow: string;
  readonly state: RunState;
  /** Only of a run that has ended. */
  readonly outcome?: Ended;
}

interface Signalled {
  readonly id: string;
  readonly signal: string;
  readonly data: unknown;
}

const nothing = objectSchema<Record<never, never>>({});
const run = objectSchema<{ readonly id: string }>({ id: text });

/** May operate runs of any workflow of the tenant. */
const operate = "workflows:operate";

/** What every application with workflows offers: how a run stands, for who may do what its starter might, and what operators and consoles do. */
export const workflowRuns = defineContract("workflows", {
  faults: {
    unknownRun: fault("not_found", run, { message: ({ id }) => `no run goes on under ${id}` }),
    unknownSignal: fault("not_found", objectSchema<{ readonly signal: string }>({ signal: text }), {
      message: ({ signal }) => `its workflow declares no signal ${signal}`,
    }),
    unfitData: fault("invalid", objectSchema<{ readonly issues: readonly Issue[] }>({ issues: anything }), {
      message: ({ issues }) => `the signal refuses its data: ${issues[0]?.path}: ${issues[0]?.message}`,
    }),
  },
  queries: {
    find: query({
      summary: "How a run of a workflow stands",
      input: run,
      output: objectSchema<RunStatus>({ id: text, workflow: text, state: text, outcome: optional(anything) }),
      faults: ["unknownRun"],
      http: "GET /v1/workflows/:id",
      // The handler asks for the permissions that the run's starter had.
      access: "public",
    }),
  },
  commands: {
    cancel: command({
      summary: "Ends a run, and undoes what it did",
      input: run,
      output: nothing,
      faults: ["unknownRun"],
      http: "POST /v1/workflows/:id/cancel",
      access: operate,
    }),
    retry: command({
      summary: "Lets a run that is stuck, or waits to try again, go on now",
      input: objectSchema<{ readonly id: string; readonly from?: string }>({ id: text, from: optional(text) }),
      output: nothing,
      faults: ["unknownRun"],
      http: "POST /v1/workflows/:id/retry",
      access: operate,
    }),
    signal: command({
      summary: "Tells a run something that its workflow declares among its signals",
      input: objectSchema<Signalled>({ id: text, signal: text, data: anything }),
      output: nothing,
      faults: ["unknownRun", "unknownSignal", "unfitData"],
      http: "POST /v1/workflows/:id/signals/:signal",
      access: operate,
    }),
  },
});

/** `offered`, and `runs` where one of them declares a workflow: an application offers its runs, too. */
export function withRuns<C extends AnyContract, R extends AnyContract>(
  offered: readonly C[],
  runs: R,
): readonly (C | R)[] {
  const haveWorkflows = offered.some(({ contract }) => Object.keys(contract.workflows).length > 0);
  return haveWorkflows ? [...offered, runs] : offered;
}
