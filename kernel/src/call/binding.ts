import type { AnyAction, CommandDefinition, QueryDefinition } from "../contract/action.ts";
import { type AnyFaultType, isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { issuesOf, type Schema, validateNow } from "../contract/schema.ts";
import type { AnyHandler, Batched, Service } from "../service/service.ts";
import { Coalescer } from "../transaction/coalescer.ts";
import type { Binding, Calls, ValidCall } from "./context.ts";
import type { Middleware } from "./middleware.ts";

/** Makes an action of a service ready to run. Throws where its contract contradicts itself. */
export function bind(
  runtime: Calls,
  { service, action }: { readonly service: Service; readonly action: AnyAction },
  middleware: readonly Middleware[],
): Binding {
  const definition: CommandDefinition & QueryDefinition = action.definition;
  const handled = service.handlers.get(action) as AnyHandler | Batched<never, unknown>;
  const isWorkflow = action.kind === "workflow";
  if (definition.validate === "none" && definition.http) {
    throw new Error(`${action.id} has an http route and validate: "none"; what an edge can reach must be validated`);
  }
  const all: Readonly<Record<string, AnyFaultType>> = service.contract.faults;
  const declared = (definition.faults ?? []).map((name) => [name, all[name]] as const);
  const codes = new Set(declared.map(([, type]) => type?.code ?? ""));
  const checkOutput = (value: unknown) =>
    validateNow(definition.output, value, (issues) => kernelFaults.invalidOutput({ action: action.id, issues }));
  const around = middleware.filter(({ applies }) => applies?.(action) ?? true);
  return {
    runtime,
    action,
    kind: action.kind === "query" ? "query" : "command",
    service: service.contract.name,
    uses: service.uses,
    faults: Object.fromEntries(declared),
    codes,
    handler: typeof handled === "function" && !isWorkflow ? handled : null,
    group: isWorkflow ? workflowGroup(runtime) : typeof handled === "function" ? null : new Coalescer(handled),
    leaving: null,
    standard: definition.validate === "none" ? null : definition.input["~standard"],
    deadlineMs: definition.deadlineMs,
    cache: definition.cache,
    middleware: around,
    isPlain: action.kind === "query" && !definition.cache && around.length === 0 && !runtime.validateOutput,
    checkOutput: runtime.validateOutput ? checkOutput : null,
    rethrow: (error) => {
      throw runtime.translated(action.id, codes, error);
    },
  };
}

const workflowGroup = (runtime: Calls) => ({ add: (call: ValidCall) => runtime.callWorkflow(call) });

/** Faults of calls below that say the same to the caller above. Any other undeclared one is a bug of the handler. */
const passing = new Set<string>([
  kernelFaults.deadline.code,
  kernelFaults.cancelled.code,
  kernelFaults.overloaded.code,
  kernelFaults.pending.code,
  kernelFaults.runCancelled.code,
  kernelFaults.tooManySteps.code,
  kernelFaults.resultTooLarge.code,
  kernelFaults.unknownSignal.code,
  kernelFaults.notRunning.code,
  kernelFaults.internal.code,
  kernelFaults.unavailable.code,
  kernelFaults.incompatible.code,
  kernelFaults.shed.code,
]);

/** Whether a caller may see this fault of an action that declares `codes`. */
export function mayPass(codes: ReadonlySet<string>, error: unknown): boolean {
  return isFault(error) && (codes.has(error.code) || passing.has(error.code) || isOfTransport(error.code));
}

/** What a database or the bus raises means the same wherever it was met. */
const isOfTransport = (code: string): boolean => /^(?:store|bus|documents|kv)\./.test(code);

/** The validated input, or a fault that names the fields. Answers a promise only where the schema does. */
export function validated(binding: Binding, input: unknown): unknown {
  if (binding.standard === null) return input;
  const result = binding.standard.validate(input);
  if (result instanceof Promise) return result.then((settled) => accepted(binding, input, settled));
  return accepted(binding, input, result);
}

type Result = Awaited<ReturnType<Schema["~standard"]["validate"]>>;

function accepted(binding: Binding, input: unknown, result: Result): unknown {
  if (result.issues === undefined) return result.value;
  throw kernelFaults.invalidInput({ action: binding.action.id, issues: issuesOf(result.issues, input) });
}
