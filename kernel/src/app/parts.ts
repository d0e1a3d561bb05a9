import { bind } from "../call/binding.ts";
import { systemClock } from "../call/clock.ts";
import type { OutsideServer } from "../call/health-check.ts";
import type { Middleware } from "../call/middleware.ts";
import { Runtime } from "../call/runtime.ts";
import type { AnyAction } from "../contract/action.ts";
import { contractProblems } from "../contract/check.ts";
import type { AnyContract } from "../contract/contract.ts";
import { Dispatcher } from "../delivery/dispatcher.ts";
import { type Subscriber, subscribersOf } from "../delivery/subscriber.ts";
import type { Documents } from "../documents/documents.ts";
import { Workers } from "../jobs/workers.ts";
import type { Kv } from "../kv/kv.ts";
import type { Log } from "../log/log.ts";
import { Remote } from "../remote/remote.ts";
import type { Service } from "../service/service.ts";
import type { Store } from "../store/store.ts";
import { withAwaited } from "../workflow/awaited.ts";
import { type WorkflowOperations, workflowOperations } from "../workflow/operations.ts";
import { withRuns, workflowRuns } from "../workflow/served/contract.ts";
import { workflowRunsService } from "../workflow/served/service.ts";
import { Workflows } from "../workflow/workflows.ts";
import type { AppOptions } from "./app.ts";
import { startOrder } from "./start-order.ts";

/** What an application consists of: bound together, and not started. */
export interface Parts {
  readonly runtime: Runtime;
  /** In the order of their starts. */
  readonly services: readonly Service[];
  readonly contracts: readonly AnyContract["contract"][];
  /** By "service.name". */
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly subscribers: readonly Subscriber[];
  readonly store: Store | undefined;
  readonly documents: Documents | undefined;
  readonly kv: Kv | undefined;
  /** Only where there is a store. */
  readonly log: Log | undefined;
  readonly remote: Remote | null;
  readonly dispatcher: Dispatcher | null;
  readonly workers: Workers | null;
  readonly workflows: Workflows | null;
  readonly runs: WorkflowOperations;
  /** Servers outside, the store's apart, by what they are for. */
  readonly outside: readonly {
    readonly use: "bus" | "log" | "queue" | "documents" | "kv";
    readonly server: OutsideServer;
  }[];
}

/** Puts the parts together. Throws where contracts, services or options do not fit. */
export function assemble(options: AppOptions): Parts {
  const {
    store,
    documents,
    middleware = [],
    clock = systemClock,
    validateOutput = true,
    report = reportToConsole,
  } = options;
  const { kv, bus, codecs = [] } = options;
  const remotes = withRuns(options.remotes ?? [], workflowRuns);
  const offered = workflowRunsService(() => runs);
  const services = startOrder(withRuns(options.services, offered), remotes);
  const nodeName = options.nodeName ?? services[0]?.contract.name ?? "node";
  const runtime = new Runtime({ store, documents, kv, clock, validateOutput, report });
  for (const service of services) bindAll(runtime, service, middleware);
  const remote = bus === undefined ? null : new Remote(runtime, { bus, codecs, nodeName, services, remotes });
  const isHere = (name: string) => services.some(({ contract }) => contract.name === name);
  const elsewhere = remotes.filter(({ contract }) => !isHere(contract.name));
  const contracts = [...services, ...elsewhere].map(({ contract }) => contract);
  const subscribers = services.flatMap((service) => subscribersOf(runtime, withAwaited(runtime, service)));
  const log = store === undefined ? undefined : options.log;
  const dispatcher = store === undefined ? null : new Dispatcher(runtime, { store, subscribers, log });
  const workers = store === undefined ? null : new Workers({ runtime, store, nodeName }, services, options.jobs);
  const workflows =
    store === undefined ? null : new Workflows({ runtime, store, nodeName }, services, options.workflows);
  runtime.offer = (events) => dispatcher?.offer(events);
  if (workers !== null) {
    runtime.offerJobs = (jobs) => {
      workers.offer(jobs);
      workflows?.offer(jobs);
    };
    runtime.wakeJobs = () => {
      workers.wake();
      workflows?.wake();
    };
  }
  if (workflows !== null) runtime.callWorkflow = (call) => workflows.call(call);
  const declared = contracts.flatMap(({ workflows: all }) => Object.values(all));
  const runs = workflowOperations({
    runtime,
    workflows: declared,
    store: () => runtime.storeFor("this").runs,
    standing: async () => workflows?.counts() ?? [],
    replay: async (run) => workflows?.replay(run),
  });
  const actions = new Map(contracts.flatMap(({ actions }) => actions).map((action) => [action.id, action] as const));
  const outside = outsideOf({ bus, log, queue: workers === null ? undefined : options.jobs?.tickets, documents, kv });
  const made = { runtime, services, contracts, actions, subscribers };
  return { ...made, store, documents, kv, log, remote, dispatcher, workers, workflows, runs, outside };
}

function outsideOf(parts: Record<Parts["outside"][number]["use"], { readonly server?: OutsideServer } | undefined>) {
  const uses = Object.keys(parts) as (keyof typeof parts)[];
  return uses.flatMap((use) => {
    const server = parts[use]?.server;
    return server === undefined ? [] : [{ use, server }];
  });
}

const reportToConsole: NonNullable<AppOptions["report"]> = (error, { correlationId, action }) =>
  console.error(`${action} failed (${correlationId}):`, error);

function bindAll(runtime: Runtime, service: Service, middleware: readonly Middleware[]): void {
  const { contract } = service;
  // Converting every schema takes milliseconds that a production start need not spend again.
  const problems = runtime.validateOutput ? contractProblems({ contract }) : [];
  if (problems.length > 0)
    throw new Error(`the contract of ${contract.name} cannot be served:\n  ${problems.join("\n  ")}`);
  const parts = [contract.commands, contract.jobs, contract.workflows].map((part) => Object.keys(part).length);
  if (parts.some((count) => count > 0) || service.subscriptions.size + service.projections.size > 0) {
    runtime.storeFor(contract.name);
  }
  if (service.collections.length > 0) runtime.documentsFor(contract.name);
  if (service.usesKv) runtime.kvFor(contract.name);
  for (const action of contract.actions) {
    runtime.bindings[action.slot] = bind(runtime, { service, action }, middleware);
  }
}
