import type { Binding, Calls, Leaving } from "../call/context.ts";
import type { AnyAction } from "../contract/action.ts";

/** A binding whose calls leave. It neither validates nor checks, and has no middleware: where the action is handled has all of it. */
export function bindElsewhere(runtime: Calls, action: AnyAction, leaving: Leaving): Binding {
  return {
    runtime,
    action,
    kind: action.kind === "query" ? "query" : "command",
    service: action.service,
    uses: {},
    faults: {},
    codes: new Set((action.definition.faults ?? []).map((name) => `${action.service}.${name}`)),
    handler: null,
    group: null,
    leaving,
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
