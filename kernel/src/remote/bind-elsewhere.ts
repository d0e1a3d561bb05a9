import type { Binding, Calls, ValidCall } from "../call/context.ts";
import type { AnyAction } from "../contract/action.ts";

/** Where the calls of a binding go that leave the process. */
type Add = (call: ValidCall) => Promise<unknown>;

/** A binding whose calls `add` takes. It neither validates nor checks, and has no middleware: where the action is handled has all of it. */
export function bindElsewhere(runtime: Calls, action: AnyAction, add: Add): Binding {
  return {
    runtime,
    action,
    kind: action.kind === "query" ? "query" : "command",
    service: action.service,
    uses: {},
    faults: {},
    codes: new Set((action.definition.faults ?? []).map((name) => `${action.service}.${name}`)),
    handler: null,
    group: { add },
    standard: null,
    deadlineMs: action.definition.deadlineMs,
    cache: undefined,
    middleware: [],
    isPlain: false,
    checkOutput: null,
    rethrow: (error) => {
      throw error;
    },
  };
}
