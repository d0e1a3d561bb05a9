import type { Bus } from "../bus/bus.ts";
import type { Codec } from "../bus/frame/codec.ts";
import { bind } from "../call/binding.ts";
import { type Clock, systemClock } from "../call/clock.ts";
import { type CallNotes, Context } from "../call/context.ts";
import type { HealthCheck } from "../call/health-check.ts";
import type { AppState, InspectorListener, InspectorRecord } from "../call/inspector.ts";
import type { Middleware } from "../call/middleware.ts";
import { nearest } from "../call/nearest.ts";
import { Origin } from "../call/origin.ts";
import { Runtime, type RuntimeOptions } from "../call/runtime.ts";
import { endWith, Scope } from "../call/scope.ts";
import type { AnyAction, AnyCommand, AnyQuery, Returned, Sent } from "../contract/action.ts";
import { contractProblems } from "../contract/check.ts";
import type { AnyContract } from "../contract/contract.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { Dispatcher, type Lag, typesOf } from "../delivery/dispatcher.ts";
import { type Delivery, redrive, refold } from "../delivery/recovery.ts";
import { relayName } from "../delivery/relay.ts";
import { type Subscriber, subscribersOf } from "../delivery/subscriber.ts";
import { type JobOptions, Workers } from "../jobs/workers.ts";
import type { Log } from "../log/log.ts";
import { type NodeReport, Remote } from "../remote/remote.ts";
import type { Fallback } from "../service/context.ts";
import { type Identity, may, systemIdentity } from "../service/identity.ts";
import type { Service } from "../service/service.ts";
import type { JobBacklog, JobFilter, JobReport } from "../store/jobs.ts";
import type { DeadLetter, MigratedService, Store } from "../store/store.ts";
import { startOrder } from "./start-order.ts";

/** What an application is made of. */
export interface AppOptions {
  readonly services: readonly Service[];
  /** Needed as soon as a service has commands, subscriptions, projections or jobs. */
  readonly store?: Store;
  readonly middleware?: readonly Middleware[];
  /** Checks what handlers return against their output schemas. Default true; production turns it off. */
  readonly validateOutput?: boolean;
  /** The budget of a root call that names none, in milliseconds. Default 5,000. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** Where events go and where they come from, instead of straight from the store to the subscribers: for other databases and programs. */
  readonly log?: Log;
  /** The way to other processes: what no service here answers is called there, and others call what is here. */
  readonly bus?: Bus;
  /** How calls are written, the best first; every node knows JSON. */
  readonly codecs?: readonly Codec[];
  /** Contracts of services in other processes, known from the start: listed by `contracts`, and found before the first call. */
  readonly remotes?: readonly AnyContract[];
  /** What this node is called, before a random part. Default: its first service. */
  readonly nodeName?: string;
  readonly jobs?: JobOptions;
  /** Told of every unexpected error; callers get its correlation id alone. Default: console.error. */
  readonly report?: RuntimeOptions["report"];
}

/** What an edge knows of a call beside its input. */
export interface RootCallOptions {
  /** Default: the platform itself, which may do all. */
  readonly identity?: Identity | undefined;
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly idempotencyKey?: string | undefined;
  /** W3C Trace Context, 32 hexadecimal digits; made where absent. */
  readonly traceId?: string | undefined;
  readonly parentSpanId?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The instance of an instanced contract that the call is for; elsewhere what `balance: "hash"` goes by. */
  readonly key?: string | undefined;
  /** Filled in before the call settles. */
  readonly notes?: CallNotes | undefined;
}

/** Services in one process: what edges, tests and scripts hold. */
export interface App {
  readonly state: AppState;
  readonly services: readonly Service[];
  /** Of its services, then those of other processes that it was told of. */
  readonly contracts: readonly AnyContract["contract"][];
  /** Other nodes that offer what this one calls. */
  nodes(): readonly NodeReport[];
  /** Migrates, starts the services in the order of their `after`, then deliveries and jobs. Raises what stopped it. */
  start(onStarted?: (service: string, tookMs: number) => void): Promise<void>;
  /** Refuses new calls, lets accepted work finish for `deadlineMs` (default 10,000), hands the rest back, closes the store. Idempotent. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Calls from outside: checks access, validates, enforces the deadline while it runs. */
  call<A extends AnyAction>(action: A, input: Sent<A>, options?: RootCallOptions & Fallback<A>): Promise<Returned<A>>;
  /** By "service.name"; raises `kernel.unknownAction` with the nearest names. */
  action(id: string): AnyAction;
  /** One record per call, delivery, job, event and state, or of the `kinds` alone; answers the function that ends it. */
  inspect(listener: InspectorListener, kinds?: readonly InspectorRecord["kind"][]): () => void;
  health(): Promise<readonly HealthCheck[]>;
  /** Empties a projection, "ledger.accountDay", and folds the whole log into it again, in one transaction. */
  rebuild(projection: string): Promise<{ readonly foldedCount: number }>;
  deadLetters(filter?: {
    readonly subscriber?: string;
    readonly limit?: number;
    readonly after?: string;
  }): Promise<DeadLetter[]>;
  redrive(id: string): Promise<"handled" | "failed" | "gone">;
  /** Jobs that are not done, of all processes: the dead newest first, all others in the order in which they become free. */
  jobs(filter?: JobFilter): Promise<readonly JobReport[]>;
  /** Of the types whose jobs run here: how many of them wait for a worker, and for how long. */
  jobBacklog(): Promise<readonly JobBacklog[]>;
  /** Gives a dead job its attempts back, due now; false where there is none, or a living one has its dedupe key. */
  retryJob(id: string): Promise<boolean>;
  /**
   * No process begins a job of the type, "ledger.seal", until it is resumed; runs that have begun go on. Raises `kernel.unknownAction`
   * for a type of no contract here.
   */
  pauseJobs(type: string): Promise<void>;
  resumeJobs(type: string): Promise<void>;
  /** How far deliveries are behind. */
  lag(): Promise<Lag>;
  /** Resolves when no event waits to be delivered and no job is due. For tests and scripts. */
  settled(options?: { readonly deadlineMs?: number }): Promise<void>;
}

/** Puts services into one process. Nothing is started yet. Throws where contracts, services or options do not fit together. */
export function createApp(options: AppOptions): App {
  return new Application(options);
}

class Application implements App {
  readonly services: readonly Service[];
  readonly contracts: readonly AnyContract["contract"][];
  private readonly remote: Remote | null;
  private readonly store: Store | undefined;
  private readonly runtime: Runtime;
  private readonly deadlineMs: number;
  private readonly subscribers: readonly Subscriber[];
  private readonly log: Log | undefined;
  private readonly dispatcher: Dispatcher | null;
  private readonly workers: Workers | null;
  private current: AppState = "created";
  /** Services whose start has succeeded, the last first. */
  private readonly opened: Service[] = [];
  private stopping: Promise<void> | null = null;
  private readonly actions = new Map<string, AnyAction>();

  constructor(options: AppOptions) {
    const { store, middleware = [], clock = systemClock } = options;
    this.services = startOrder(options.services, options.remotes);
    this.store = store;
    this.deadlineMs = options.deadlineMs ?? 5_000;
    const report =
      options.report ??
      ((error, { correlationId, action }) => console.error(`${action} failed (${correlationId}):`, error));
    this.runtime = new Runtime({ store, clock, validateOutput: options.validateOutput ?? true, report });
    for (const service of this.services) this.bindAll(service, middleware);
    this.remote = this.joined(options);
    const remotes = (options.remotes ?? []).filter(({ contract }) => !this.serves(contract.name));
    this.contracts = [...this.services, ...remotes].map(({ contract }) => contract);
    for (const { contract } of remotes) this.index(contract);
    this.subscribers = this.services.flatMap((service) => subscribersOf(this.runtime, service));
    this.log = store === undefined ? undefined : options.log;
    const { subscribers, log } = this;
    this.dispatcher = store === undefined ? null : new Dispatcher(this.runtime, { store, subscribers, log });
    this.workers = this.workersOn(options);
    this.runtime.offer = (events) => this.dispatcher?.offer(events);
    if (this.workers !== null) this.runtime.wakeJobs = () => this.workers?.wake();
  }

  private bindAll(service: Service, middleware: readonly Middleware[]): void {
    const { contract } = service;
    // Converting every schema takes milliseconds that a production start need not spend again.
    const problems = this.runtime.validateOutput ? contractProblems({ contract }) : [];
    if (problems.length > 0)
      throw new Error(`the contract of ${contract.name} cannot be served:\n  ${problems.join("\n  ")}`);
    const parts = [contract.commands, contract.jobs].map((part) => Object.keys(part).length);
    if (parts.some((count) => count > 0) || service.subscriptions.size + service.projections.size > 0) {
      this.runtime.storeFor(contract.name);
    }
    for (const action of [...Object.values(contract.commands), ...Object.values(contract.queries)]) {
      this.runtime.bindings[action.slot] = bind(this.runtime, { service, action }, middleware);
    }
    this.index(contract);
  }

  private index({ commands, queries }: AnyContract["contract"]): void {
    for (const action of [...Object.values(commands), ...Object.values(queries)]) this.actions.set(action.id, action);
  }

  private serves(name: string): boolean {
    return this.services.some(({ contract }) => contract.name === name);
  }

  private joined({ bus, codecs = [], remotes = [], nodeName }: AppOptions): Remote | null {
    if (bus === undefined) return null;
    const { runtime, services } = this;
    return new Remote(runtime, { bus, codecs, nodeName: nodeName ?? nameOf(services), services, remotes });
  }

  private workersOn({ store, nodeName, jobs }: AppOptions): Workers | null {
    if (store === undefined) return null;
    const { runtime, services } = this;
    return new Workers({ runtime, store, nodeName: nodeName ?? nameOf(services) }, services, jobs);
  }

  nodes(): readonly NodeReport[] {
    return this.remote?.nodes() ?? [];
  }

  /** With a log, nobody but the relay hears of events from the store. */
  private stored(): MigratedService[] {
    const { log, services, subscribers } = this;
    const heardBy = (name: string) => typesOf(subscribers.filter(({ service }) => service === name));
    const stored = services.map(({ contract: { name }, migrations }) => {
      return { name, migrations, hears: log === undefined ? heardBy(name) : [] };
    });
    if (log === undefined) return stored;
    const emitted = services.flatMap(({ contract }) => Object.values(contract.events).map(({ id }) => id));
    return [...stored, { name: relayName, migrations: undefined, hears: emitted }];
  }

  get state(): AppState {
    return this.current;
  }

  private enter(state: AppState): void {
    this.current = state;
    this.runtime.inspector.emit?.({ kind: "state", state, at: this.runtime.clock.now() });
  }

  async start(onStarted?: (service: string, tookMs: number) => void): Promise<void> {
    if (this.current !== "created") throw new Error(`the application is ${this.current}; each is started once`);
    this.enter("starting");
    const { clock } = this.runtime;
    try {
      await this.store?.start(this.stored());
      await this.log?.open({ signal: AbortSignal.timeout(startBudgetMs) });
      await this.remote?.open(AbortSignal.timeout(startBudgetMs));
      for (const service of this.services) {
        const began = clock.monotonic();
        await service.start?.(AbortSignal.timeout(startBudgetMs));
        this.opened.unshift(service);
        onStarted?.(service.contract.name, clock.monotonic() - began);
      }
      this.dispatcher?.start();
      await this.workers?.start();
      this.enter("started");
      this.remote?.announce();
    } catch (error) {
      await this.stop({ deadlineMs: 1_000 });
      throw error;
    }
  }

  stop({ deadlineMs = 10_000 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.stopping ??= this.drain(new Scope(this.runtime.clock, deadlineMs, "stop"));
    return this.stopping;
  }

  private async drain(budget: Scope): Promise<void> {
    this.enter("draining");
    this.remote?.leave();
    if (this.runtime.inFlight > 0) {
      const idle = new Promise<void>((resolve) => {
        this.runtime.whenIdle = resolve;
      });
      await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, budget.remainingMs()).unref())]);
    }
    await this.workers?.stop(budget);
    await this.dispatcher?.stop();
    for (const service of this.opened) await service.stop?.();
    await this.remote?.close(budget);
    await this.log?.close({ deadlineMs: budget.remainingMs() });
    await this.store?.stop(budget);
    this.enter("stopped");
  }

  call<A extends AnyAction>(
    action: A,
    input: Sent<A>,
    options: RootCallOptions & Fallback<A> = noOptions,
  ): Promise<Returned<A>> {
    const { runtime } = this;
    if (this.current !== "started") return Promise.reject(kernelFaults.notRunning({ state: this.current }));
    const binding = runtime.bindings[action.slot] ?? runtime.elsewhere(action);
    if (binding === undefined) return Promise.reject(runtime.unknownAction(action.id));
    const identity = options.identity ?? systemIdentity;
    const { access } = action.definition;
    if (!may(identity, access)) return Promise.reject(refusal(action, identity, access));
    if (options.signal?.aborted) return Promise.reject(kernelFaults.cancelled({ action: action.id }));
    const scope = new Scope(
      runtime.clock,
      budgetOf(options.deadlineMs ?? this.deadlineMs, binding.deadlineMs),
      action.id,
    );
    const origin = new Origin(identity, options.traceId, options.metadata);
    const context = new Context(binding, scope, origin);
    context.parentSpanId = options.parentSpanId;
    context.idempotencyKey = options.idempotencyKey;
    context.notes = options.notes;
    context.key = options.key;
    if (options.signal !== undefined) endWith(options.signal, scope);
    const answer = runtime.root(binding, context, input) as Promise<Returned<A>>;
    if (options.fallback === undefined) return answer;
    return answer.catch((error: unknown) => runtime.answeredBy(options.fallback, binding, error) as Returned<A>);
  }

  action(id: string): AnyAction {
    const action = this.actions.get(id);
    if (action === undefined) throw this.runtime.unknownAction(id);
    return action;
  }

  inspect(listener: InspectorListener, kinds?: readonly InspectorRecord["kind"][]): () => void {
    return this.runtime.inspector.add(listener, kinds);
  }

  async health(): Promise<readonly HealthCheck[]> {
    const checks: HealthCheck[] = this.services.map(({ contract }) => ({
      name: contract.name,
      ok: this.current === "started",
      detail: this.current,
    }));
    checks.push(...(this.remote?.checks() ?? []));
    if (this.store === undefined) return checks;
    const began = this.runtime.clock.monotonic();
    try {
      await this.store.ping(new Scope(this.runtime.clock, 1_000, "health"));
      checks.push({
        name: "database",
        ok: true,
        detail: `answered in ${(this.runtime.clock.monotonic() - began).toFixed(1)} ms`,
      });
    } catch (error) {
      checks.push({ name: "database", ok: false, detail: error instanceof Error ? error.message : "does not answer" });
    }
    return checks;
  }

  rebuild(projection: string): Promise<{ readonly foldedCount: number }> {
    return refold(this.delivery(), projection);
  }

  deadLetters(
    filter: { readonly subscriber?: string; readonly limit?: number; readonly after?: string } = {},
  ): Promise<DeadLetter[]> {
    return this.required().deadLetters.list({ limit: 100, ...filter });
  }

  jobs(filter: JobFilter = {}): Promise<readonly JobReport[]> {
    return this.required().jobs.list(filter);
  }

  async jobBacklog(): Promise<readonly JobBacklog[]> {
    const types = this.services.flatMap(({ contract }) => Object.values(contract.jobs).map(({ id }) => id));
    return types.length === 0 ? [] : this.required().jobs.backlog(types);
  }

  async retryJob(id: string): Promise<boolean> {
    const retried = await this.required().jobs.retry(id);
    if (retried) this.workers?.wake();
    return retried;
  }

  async pauseJobs(type: string): Promise<void> {
    this.assertJob(type);
    await this.required().jobs.setPaused(type, true);
  }

  async resumeJobs(type: string): Promise<void> {
    this.assertJob(type);
    await this.required().jobs.setPaused(type, false);
    this.workers?.wake();
  }

  private assertJob(type: string): void {
    const known = this.contracts.flatMap(({ jobs }) => Object.values(jobs).map(({ id }) => id));
    if (!known.includes(type)) throw kernelFaults.unknownAction({ action: type, nearest: nearest(type, known) });
  }

  async lag(): Promise<Lag> {
    this.required();
    return (this.dispatcher as Dispatcher).lag();
  }

  redrive(id: string): Promise<"handled" | "failed" | "gone"> {
    return redrive(this.delivery(), id);
  }

  async settled({ deadlineMs = 30_000 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    const budget = new Scope(this.runtime.clock, deadlineMs, "settled");
    while (!((await this.dispatcher?.isSettled()) ?? true) || !((await this.workers?.isSettled()) ?? true)) {
      budget.check();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private delivery(): Delivery {
    const { runtime, services, subscribers, log } = this;
    return { runtime, store: this.required(), services, subscribers, log };
  }

  private required(): Store {
    return this.runtime.storeFor("this");
  }
}

const startBudgetMs = 30_000;
const noOptions: RootCallOptions = {};

function nameOf([first]: readonly Service[]): string {
  return first?.contract.name ?? "node";
}

function budgetOf(askedMs: number, ownMs: number | undefined): number {
  return ownMs === undefined ? askedMs : Math.min(askedMs, ownMs);
}

function refusal(action: AnyCommand | AnyQuery, identity: Identity, permission: string): Error {
  return identity.subject === "anonymous"
    ? kernelFaults.unauthenticated({ action: action.id })
    : kernelFaults.forbidden({ action: action.id, permission });
}
