import type { AnyAction, AnyEvent, AnyJob, AnyWorkflow, QueryDefinition } from "../contract/action.ts";
import type { Fault } from "../contract/fault.ts";
import type { Schema } from "../contract/schema.ts";
import type { Collection } from "../documents/collection.ts";
import type { DocumentSet, Documents } from "../documents/documents.ts";
import type { KeyValues, Kv } from "../kv/kv.ts";
import type { CommandCallOptions, Delivery, EnqueueOptions, StartOptions } from "../service/context.ts";
import type { Identity } from "../service/identity.ts";
import type { AnyHandler } from "../service/service.ts";
import type { Sql } from "../store/sql.ts";
import type { Committed, Store } from "../store/store.ts";
import type { RunClaim } from "../store/workflows.ts";
import type { Work } from "../transaction/work.ts";
import type { Asker } from "./asker.ts";
import type { Clock } from "./clock.ts";
import { uuidv7 } from "./ids.ts";
import type { Inspector } from "./inspector.ts";
import type { Middleware } from "./middleware.ts";
import type { Origin } from "./origin.ts";
import type { Scope } from "./scope.ts";

/** What a call needs of what runs it. */
export interface Calls {
  /** By the action's slot. */
  readonly bindings: readonly (Binding | undefined)[];
  readonly clock: Clock;
  readonly inspector: Inspector;
  readonly validateOutput: boolean;
  /** The store, or an error that names the service that needs one. */
  storeFor(service: string): Store;
  /** What keeps documents, or an error that names the service that needs it. */
  documentsFor(service: string): Documents;
  kvFor(service: string): Kv;
  /** Calls an action. The caller made the context, and watches its scope. */
  invoke(binding: Binding, context: Context, input: unknown): Promise<unknown>;
  /** Runs `work` until it is done or the scope ends, whichever is first. */
  watched<T>(scope: Scope, work: () => Promise<T>): Promise<T>;
  /** What follows from a commit: stale answers go, subscribers and workers start. */
  afterCommit(service: string, works: readonly Work[], committed: Committed): void;
  /** What the caller gets for what a handler threw: its declared faults as they are; anything else is `kernel.internal`, reported. */
  translated(action: string, codes: ReadonlySet<string>, error: unknown): Error;
  /** What the fallback answers for a call that found nobody, no room or no time; throws what else it failed with. */
  answeredBy(fallback: AnyFallback, binding: Binding, error: unknown): unknown;
  /** Makes a binding for an action of another process; undefined where there is no bus. */
  elsewhere(action: AnyAction): Binding | undefined;
  unknownAction(id: string): Error;
  /** Starts a workflow, or finds its run, and awaits what becomes of it. */
  callWorkflow(call: ValidCall): Promise<unknown>;
}

export type AnyFallback = ((fault: Fault) => unknown) | undefined;

/** What a handler is answerable to: the parts of a binding that subscriptions and jobs have as well. */
export interface Handling {
  readonly runtime: Calls;
  readonly service: string;
  readonly uses: unknown;
  readonly faults: object;
}

/** One action with all that a call of it needs, in fields of one shape. */
export interface Binding extends Handling {
  readonly action: AnyAction;
  /** A workflow is called as a command is. */
  readonly kind: "command" | "query";
  /** Of the faults that it declares. */
  readonly codes: ReadonlySet<string>;
  /** null where `group` or `leaving` takes the calls. */
  readonly handler: AnyHandler | null;
  /** Takes the calls of a batched command, and of a workflow; else null. */
  readonly group: { add(call: ValidCall): Promise<unknown> } | null;
  /** Takes the calls of an action that other processes may handle; else null. */
  readonly leaving: Leaving | null;
  /** null where the contract says that input is not validated. */
  readonly standard: Schema["~standard"] | null;
  readonly deadlineMs: number | undefined;
  readonly cache: QueryDefinition["cache"];
  readonly middleware: readonly Middleware[];
  /** A query with nothing around it: no cache, no middleware, no check of its output. */
  readonly isPlain: boolean;
  /** Checks what the handler returned; null in production, where a bug costs a caller nothing but the field it misses. */
  readonly checkOutput: ((output: unknown) => unknown) | null;
  /** Throws what the caller gets for what the handler threw. */
  readonly rethrow: (error: unknown) => never;
}

/** A call with its validated input. */
export interface ValidCall {
  readonly binding: Binding;
  readonly context: Context;
  readonly value: unknown;
}

/** Sends a call to another process. The call ends with its scope, which its caller watches. */
export type Leaving = (call: ValidCall, asker: Asker) => void;

/** What became of a call beside its answer. */
export interface CallNotes {
  replayed: boolean;
  cached: boolean;
  /** The node that was called last, where the call left this process. */
  node?: string;
}

/** The job that runs, and how many commands it has called so far. */
export interface RunningJob {
  readonly id: string;
  readonly attempt: number;
  readonly hasSchedule: boolean;
  calls: number;
}

/**
 * One call, and the `ctx` of its handler. One class of one shape for all kinds: a class per service made a call 1.7 times as
 * slow, spreads and closures 4 times. What a kind may use of it is settled by the types in service/context.ts. The
 * fields that few calls need are set after construction.
 */
export class Context {
  readonly handling: Handling;
  readonly scope: Scope;
  readonly origin: Origin;
  /** Its own, once somebody watches. */
  spanId: string | undefined = undefined;
  parentSpanId: string | undefined = undefined;
  idempotencyKey: string | undefined = undefined;
  key: string | undefined = undefined;
  notes: CallNotes | undefined = undefined;
  /** null in queries. */
  work: Work | null = null;
  /** The transaction's; null in queries until they ask. */
  transactionSql: Sql | null = null;
  delivery: Delivery | undefined = undefined;
  /** Of the events that came together, each one's own. */
  of: ((place: number) => Context) | undefined = undefined;
  job: RunningJob | undefined = undefined;
  /** The run whose step it is, in this process. */
  under: RunClaim | undefined = undefined;

  constructor(handling: Handling, scope: Scope, origin: Origin) {
    this.handling = handling;
    this.scope = scope;
    this.origin = origin;
  }

  /** The same call for one more attempt, with a transaction of its own, so that what the last one forgot to await cannot reach it. */
  inTransaction(work: Work, sql: Sql): Context {
    const context = new Context(this.handling, this.scope, this.origin);
    context.spanId = this.spanId;
    context.key = this.key;
    context.work = work;
    context.transactionSql = sql;
    return context;
  }

  get service(): string {
    return this.handling.service;
  }
  get uses(): unknown {
    return this.handling.uses;
  }
  get faults(): object {
    return this.handling.faults;
  }
  get identity(): Identity {
    return this.origin.identity;
  }
  get metadata(): Readonly<Record<string, string>> {
    return this.origin.metadata;
  }
  get traceId(): string {
    return this.origin.traceId;
  }
  get signal(): AbortSignal {
    return this.scope.signal;
  }
  get sql(): Sql {
    this.transactionSql ??= this.handling.runtime.storeFor(this.service).read(this.scope);
    return this.transactionSql;
  }

  get kv(): KeyValues {
    return this.handling.runtime.kvFor(this.service).space(this.service);
  }
  documents<D extends object>(collection: Collection<D>): DocumentSet<D> {
    const { runtime, service } = this.handling;
    if (!collection.name.startsWith(`${service}.`))
      throw new Error(`${collection.name} belongs to another service, and ${service} may not read or write it`);
    return runtime.documentsFor(service).of(collection, { tenant: this.identity.tenant, sql: () => this.sql });
  }
  remainingMs(): number {
    return this.scope.remainingMs();
  }
  now(): number {
    return this.handling.runtime.clock.now();
  }
  newId(): string {
    return uuidv7(this.now());
  }

  call(
    action: AnyAction,
    input: unknown,
    options?: CommandCallOptions & { readonly fallback?: AnyFallback },
  ): Promise<unknown> {
    const { runtime } = this.handling;
    const binding = runtime.bindings[action.slot] ?? runtime.elsewhere(action);
    if (binding === undefined) return Promise.reject(runtime.unknownAction(action.id));
    const scope = this.scope;
    if (scope.ended !== null) return Promise.reject(scope.ended);
    if (runtime.clock.monotonic() >= scope.deadline) return Promise.reject(scope.expired());
    if (options !== undefined || binding.deadlineMs !== undefined || binding.kind === "command") {
      const answer = this.callWith(binding, input, options ?? {});
      if (options?.fallback === undefined) return answer;
      return answer.catch((error: unknown) => runtime.answeredBy(options.fallback, binding, error));
    }
    const context = new Context(binding, scope, this.origin);
    context.parentSpanId = this.spanId;
    return runtime.invoke(binding, context, input);
  }

  private async callWith(binding: Binding, input: unknown, options: CommandCallOptions): Promise<unknown> {
    const { runtime } = this.handling;
    const key = binding.kind === "command" ? (options.idempotencyKey ?? this.nextKey(binding)) : undefined;
    const budgetMs = Math.min(
      options.deadlineMs ?? Number.POSITIVE_INFINITY,
      binding.deadlineMs ?? Number.POSITIVE_INFINITY,
    );
    const invoke = (scope: Scope) => {
      const context = new Context(binding, scope, this.origin);
      context.parentSpanId = this.spanId;
      context.idempotencyKey = key;
      context.key = options.key;
      context.under = this.under;
      return runtime.invoke(binding, context, input);
    };
    if (budgetMs >= this.scope.remainingMs()) return invoke(this.scope);
    const scope = this.scope.narrowed(budgetMs, binding.action.id);
    try {
      return await runtime.watched(scope, () => invoke(scope));
    } finally {
      this.scope.forget(scope);
    }
  }

  /** A job that runs again makes the same calls in the same order, so their turn names them. */
  private nextKey(binding: Binding): string {
    if (this.job === undefined) {
      throw new Error(
        `${binding.action.id} is a ${binding.action.kind}: a transaction changes its own service only; call it from a job`,
      );
    }
    return `job:${this.job.id}:${this.job.calls++}`;
  }

  emit(event: AnyEvent, data: unknown): void {
    this.writing(event).emit(event, data);
  }
  enqueue(job: AnyJob, input: unknown, options?: EnqueueOptions): string {
    if (options?.tenant !== undefined && options.tenant !== this.identity.tenant && !this.job?.hasSchedule)
      throw new Error(`${job.id} may be enqueued for another tenant by a job with a schedule alone`);
    return this.writing(job).enqueue(job, input, options);
  }
  start(workflow: AnyWorkflow, input: unknown, options?: StartOptions): string {
    return this.writing(workflow).start(workflow, input, options);
  }
  invalidate(...tags: readonly string[]): void {
    if (this.work === null) throw new Error("a query cannot invalidate");
    this.work.invalidate(tags);
  }

  private writing(said: AnyEvent | AnyJob | AnyWorkflow): Work {
    if (this.work === null) throw new Error(`a query cannot emit, enqueue or start ${said.id}`);
    if (said.service !== this.service)
      throw new Error(`${said.id} belongs to ${said.service}, and ${this.service} may not say it`);
    return this.work;
  }
}
