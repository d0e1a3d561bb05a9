import { type FaultDefinition, type FaultDetails, type FaultType, fault, faultType, type Retry } from "./fault.ts";
import type { Issue, Schema } from "./schema.ts";

/** The kernel's own details are built by the kernel alone: typed, not validated. */
function raised<Details>(
  kind: Parameters<typeof fault>[0],
  message: (details: Details) => string,
  options?: { readonly retry: Retry },
): FaultDefinition<Schema<Details>> {
  return { ...fault(kind, undefined, options), message } as unknown as FaultDefinition<Schema<Details>>;
}

const definitions = {
  /** The input broke its schema. Nothing ran. */
  invalidInput: raised<{ action: string; issues: readonly Issue[] }>("invalid", ({ action, issues }) => {
    const [first] = issues;
    return `${action} was refused: ${first?.path ? `${first.path}: ` : ""}${first?.message ?? "invalid input"}`;
  }),
  /** A handler returned, or an event carried, what its own schema refuses: a bug of the service. Rolled back. */
  invalidOutput: raised<{ action: string; issues: readonly Issue[] }>(
    "internal",
    ({ action, issues }) =>
      `${action} returned what its output schema refuses: ${issues[0]?.path}: ${issues[0]?.message}`,
  ),
  /** A handler raised a fault that its action does not declare: a bug of the service. Rolled back. */
  undeclaredFault: raised<{ action: string; code: string }>(
    "internal",
    ({ action, code }) => `${action} raised ${code}, which its contract does not declare`,
  ),
  /** No service here answers the action. */
  unknownAction: raised<{ action: string; nearest: readonly string[] }>(
    "not_found",
    ({ action, nearest }) =>
      `nothing answers ${action}${nearest.length > 0 ? `; did you mean ${nearest.join(", ")}?` : ""}`,
  ),
  unauthenticated: raised<{ action: string }>(
    "unauthenticated",
    ({ action }) => `${action} needs a caller who is known`,
  ),
  forbidden: raised<{ action: string; permission: string }>(
    "forbidden",
    ({ action, permission }) => `${action} needs the permission ${permission}`,
  ),
  /** The time budget was spent. What had begun may have finished. */
  deadline: raised<{ action: string; budgetMs: number }>(
    "deadline",
    ({ action, budgetMs }) => `${action} did not finish within ${Math.round(budgetMs)} ms`,
  ),
  /** The caller gave up. What had begun may have finished. */
  cancelled: raised<{ action: string }>("deadline", ({ action }) => `${action} was cancelled by its caller`),
  /** The Idempotency-Key was used before, for another action or body. Nothing ran. */
  idempotencyConflict: raised<{ action: string }>(
    "conflict",
    ({ action }) => `this Idempotency-Key was used before with another request than this ${action}; use a new key`,
  ),
  /** It took effect under this Idempotency-Key before. What it answered holds a secret, and is kept nowhere. */
  answeredOnce: raised<{ action: string }>(
    "conflict",
    ({ action }) =>
      `${action} took effect before under this Idempotency-Key; its answer holds a secret and was sent once`,
  ),
  /** This process starts, drains or has stopped. Nothing ran. */
  notRunning: raised<{ state: string }>("unavailable", ({ state }) => `the application is ${state}, not started`),
  /** More is in flight than this process takes. Nothing ran. */
  overloaded: raised<{ action: string; inFlightMax: number }>(
    "exhausted",
    ({ action, inFlightMax }) => `${action} was refused: ${inFlightMax} calls of it are in flight already`,
  ),
  /** Nobody can be called for it now: nobody offers it, nobody answers, or all are left alone for a while. Nothing ran. */
  unavailable: raised<{ action: string; why: string }>(
    "unavailable",
    ({ action, why }) => `${action} cannot be called now: ${why}`,
  ),
  /** Who offers it has another version of its contract, which this caller's calls do not fit. Nothing ran. */
  incompatible: raised<{ action: string; field: string; problem: string }>(
    "unavailable",
    ({ action, field, problem }) => `${action} is offered in another version, which does not fit: ${field} ${problem}`,
    { retry: "no" },
  ),
  /** Events are still brought to it by this application. Nothing was forgotten. */
  stillSubscribed: raised<{ service: string }>(
    "conflict",
    ({ service }) => `${service} hears of events here, and would miss all until its next start`,
  ),
  /** The workflow goes on: ask again with the same idempotency key, or for the run by its id. */
  pending: raised<{ workflow: string; run: string }>(
    "pending",
    ({ workflow, run }) => `${workflow} goes on as ${run}; ask for it again`,
  ),
  /** A step that is no fault's failed too often, or too long. It may have taken effect. */
  stepFailed: raised<{ step: string; attempts: number; error: string }>(
    "internal",
    ({ step, attempts, error }) => `the step ${step} was given up after ${attempts} tries: ${error}`,
  ),
  /** The result of a step is kept with its run, and has to fit. What the step did stays done. */
  resultTooLarge: raised<{ step: string; bytes: number; bytesMax: number }>(
    "invalid",
    ({ step, bytes, bytesMax }) =>
      `the result of the step ${step} has ${bytes} bytes and may have ${bytesMax}: keep it elsewhere, and return where`,
  ),
  /** A run took more steps than its workflow may: does a loop have no end? */
  tooManySteps: raised<{ workflow: string; stepsMax: number }>(
    "exhausted",
    ({ workflow, stepsMax }) => `a run of ${workflow} may take ${stepsMax} steps; does a loop have no end?`,
    { retry: "no" },
  ),
  /** The run was cancelled; what it had done was undone. */
  runCancelled: raised<{ run: string }>("conflict", ({ run }) => `the run ${run} was cancelled`),
  /** No run goes on under the id, or its workflow waits for no such signal or event. */
  unknownRun: raised<{ run: string }>("not_found", ({ run }) => `no run goes on under ${run}`),
  unknownSignal: raised<{ id: string; nearest: readonly string[] }>(
    "not_found",
    ({ id, nearest }) =>
      `no workflow waits for ${id}${nearest.length > 0 ? `; did you mean ${nearest.join(", ")}?` : ""}`,
  ),
  /** The process that was asked is behind with its work. Nothing ran. */
  shed: raised<{ action: string; lagMs: number }>(
    "exhausted",
    ({ action, lagMs }) => `${action} was refused: its process is ${Math.round(lagMs)} ms behind`,
  ),
  /** A bug or an unexpected error; the text stays in the log, under the correlation id. */
  internal: raised<{ correlationId: string }>(
    "internal",
    ({ correlationId }) => `something went wrong on our side; quote ${correlationId} when you report it`,
  ),
} as const;

type Definitions = typeof definitions;

/** Faults that any call may end in, whatever its contract declares. Codes are `kernel.<name>`. */
export const kernelFaults = Object.fromEntries(
  Object.entries(definitions).map(([name, definition]) => [
    name,
    faultType(`kernel.${name}`, definition as FaultDefinition),
  ]),
) as unknown as { readonly [N in keyof Definitions & string]: FaultType<`kernel.${N}`, FaultDetails<Definitions[N]>> };
