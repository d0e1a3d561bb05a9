import type { App, AppOptions } from "./app.ts";
import { Lifecycle } from "./lifecycle.ts";
import { operationsOf } from "./operations.ts";
import { assemble } from "./parts.ts";
import { rootCall } from "./root-call.ts";

/** Puts services into one process. Nothing is started yet. Throws where contracts, services or options do not fit together. */
export function createApp(options: AppOptions): App {
  const parts = assemble(options);
  const { runtime, services, contracts, actions, remote } = parts;
  const lifecycle = new Lifecycle(parts);
  return {
    services,
    contracts,
    get state() {
      return lifecycle.state;
    },
    start: (onStarted) => lifecycle.start(onStarted),
    stop: (stopping) => lifecycle.stop(stopping),
    call: rootCall(runtime, lifecycle, options.deadlineMs ?? 5_000),
    action(id) {
      const action = actions.get(id);
      if (action === undefined) throw runtime.unknownAction(id);
      return action;
    },
    inspect: (listener, kinds) => runtime.inspector.add(listener, kinds),
    nodes: () => remote?.nodes() ?? [],
    ...operationsOf(parts, lifecycle),
  };
}
