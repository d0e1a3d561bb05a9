import { type App, type AppOptions, createApp } from "@banyan/kernel/app";
import { InProcessNetwork } from "@banyan/kernel/bus";

/**
 * The application at one node and its callers at another: every call is encoded, crosses a bus that delivers each batch twice, and is
 * decoded. All else is asked of the application itself.
 */
export function createAppOverWire(options: AppOptions): App {
  const network = new InProcessNetwork({ isDoubled: () => true });
  const callee = createApp({ ...options, bus: network.createBus(), nodeName: "callee" });
  const remotes = options.services.map(({ contract }) => ({ contract }));
  const caller = createApp({ services: [], remotes, bus: network.createBus(), nodeName: "caller" });
  return {
    ...callee,
    get state() {
      return callee.state;
    },
    contracts: caller.contracts,
    nodes: () => caller.nodes(),
    start: async (onStarted) => {
      await callee.start(onStarted);
      await caller.start();
    },
    stop: async (stopOptions) => {
      await callee.stop(stopOptions);
      await caller.stop(stopOptions);
    },
    call: (action, input, callOptions) => caller.call(action, input, callOptions),
    action: (id) => caller.action(id),
  };
}
