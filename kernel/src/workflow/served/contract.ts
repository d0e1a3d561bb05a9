import { command, query } from "../../contract/action.ts";
import { type AnyContract, defineContract } from "../../contract/contract.ts";
import { type FaultKind, fault } from "../../contract/fault.ts";
import type { Issue } from "../../contract/schema.ts";
import type { RunState, StepRecord } from "../../store/workflows.ts";
import {
  anything,
  instant,
  listOf,
  longText,
  objectSchema,
  oneOf,
  optional,
  orNull,
  text,
  wholeNumber,
  written,
  yesOrNo,
} from "./object-schema.ts";

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

/** A run, for who operates them. Times are in ISO 8601, UTC. */
export interface RunSummary {
  readonly id: string;
  /** "payments.capture" */
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly isCancelled: boolean;
  readonly traceId: string;
  /** When it goes on by itself, or its lease ends. */
  readonly dueAt?: string | undefined;
  /** The process that has it. */
  readonly owner?: string | undefined;
  /** Why it is stuck, or of its last try that failed. */
  readonly error?: string | undefined;
  /** The code of the fault that it ended in. */
  readonly fault?: string | undefined;
}

/** A step of a run, for who operates it. */
export type TimelineStep = Pick<StepRecord, "name" | "kind" | "attempts" | "error"> & {
  readonly beganAt: string;
  readonly endedAt?: string | undefined;
  readonly dueAt?: string | undefined;
  /** It goes on with an event, a signal or the end of another run, not by itself. */
  readonly waitsToHear: boolean;
  readonly outcome?: Ended | undefined;
};

/** A run with its steps, in the order in which it came to them. */
export interface RunTimeline extends RunSummary {
  /** Who asked for it. */
  readonly actor: string;
  readonly steps: readonly TimelineStep[];
  readonly outcome?: Ended | undefined;
}

interface Listed {
  readonly workflow?: string;
  readonly state?: RunState;
  readonly after?: string;
  readonly limit?: number;
}

interface RunPage {
  readonly runs: readonly RunSummary[];
  /** What the next page is read `after`; null on the last. */
  readonly next: string | null;
}

interface Signalled {
  readonly id: string;
  readonly signal: string;
  readonly data: unknown;
}

const nothing = objectSchema<Record<never, never>>({});
const run = objectSchema<{ readonly id: string }>({ id: text });

/** Where a run stands among those of a tenant: when it was started, in milliseconds since 1970, and its id. */
const runPlace = written(/^\d{1,13}\.[!-~]{1,255}$/);

const states: readonly RunState[] = ["running", "due", "waiting", "stuck", "done", "failed"];
const summary = {
  id: text,
  workflow: text,
  version: wholeNumber(1),
  state: oneOf(states),
  startedAt: instant,
  endedAt: optional(instant),
  isCancelled: yesOrNo,
  traceId: text,
  dueAt: optional(instant),
  owner: optional(text),
  error: optional(longText),
  fault: optional(text),
};
const step = {
  name: text,
  kind: text,
  beganAt: instant,
  endedAt: optional(instant),
  attempts: wholeNumber(0),
  error: optional(longText),
  dueAt: optional(instant),
  waitsToHear: yesOrNo,
  outcome: optional(anything),
};

/** May see runs of any workflow of the tenant, and all that they went through. */
const read = "workflows:read";
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
    list: query({
      summary: "Runs of workflows, the newest first",
      input: objectSchema<Listed>({
        workflow: optional(text),
        state: optional(oneOf(states)),
        after: optional(runPlace),
        limit: optional(wholeNumber(1, 1_000)),
      }),
      output: objectSchema<RunPage>({ runs: listOf(summary), next: orNull(runPlace) }),
      http: "GET /v1/workflows",
      access: read,
    }),
    timeline: query({
      summary: "A run with its steps, and what each waits for",
      input: run,
      output: objectSchema<RunTimeline>({ ...summary, actor: text, steps: listOf(step), outcome: optional(anything) }),
      faults: ["unknownRun"],
      http: "GET /v1/workflows/:id/timeline",
      access: read,
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
