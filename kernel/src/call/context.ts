import type { AnyAction, AnyEvent, AnyJob } from "../contract/action.ts";
import type { CommandCallOptions, Delivery, EnqueueOptions } from "../service/context.ts";
import type { Identity } from "../service/identity.ts";
import type { Sql } from "../store/sql.ts";
import type { Work } from "../transaction/work.ts";
import type { Binding } from "./binding.ts";
import { uuidv7 } from "./ids.ts";
import type { Origin } from "./origin.ts";
import type { CallNotes, Runtime } from "./runtime.ts";
import type { Scope } from "./scope.ts";

/** What a handler is answerable to: the parts of a binding that subscriptions and jobs have as well. */
export interface Handling {
  readonly runtime: Runtime;
  readonly service: string;
  readonly uses: unknown;
  readonly faults: object;
}

/** The job that runs, and how many commands it has called so far. */
export interface RunningJob {
  readonly id: string;
  readonly attempt: number;
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
  notes: CallNotes | undefined = undefined;
  /** null in queries. */
  work: Work | null = null;
  /** The transaction's; null in queries until they ask. */
  transactionSql: Sql | null = null;
  delivery: Delivery | undefined = undefined;
  job: RunningJob | undefined = undefined;

  constructor(handling: Handling, scope: Scope, origin: Origin) {
    this.handling = handling;
    this.scope = scope;
    this.origin = origin;
  }

  /** The same call for one more attempt, with a transaction of its own, so that what the last one forgot to await cannot reach it. */
  inTransaction(work: Work, sql: Sql): Context {
    const context = new Context(this.handling, this.scope, this.origin);
    context.spanId = this.spanId;
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

  remainingMs(): number {
    return this.scope.remainingMs();
  }
  now(): number {
    return this.handling.runtime.clock.now();
  }
  newId(): string {
    return uuidv7(this.now());
  }

  call(action: AnyAction, input: unknown, options?: CommandCallOptions): Promise<unknown> {
    const { runtime } = this.handling;
    const binding = runtime.bindings[action.slot];
    if (binding === undefined) return Promise.reject(runtime.unknownAction(action.id));
    const scope = this.scope;
    if (scope.ended !== null) return Promise.reject(scope.ended);
    if (runtime.clock.monotonic() >= scope.deadline) return Promise.reject(scope.expired());
    if (options !== undefined || binding.deadlineMs !== undefined || binding.kind === "command") {
      return this.callWith(binding, input, options ?? {});
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
        `${binding.action.id} is a command: a transaction changes its own service only; call it from a job`,
      );
    }
    return `job:${this.job.id}:${this.job.calls++}`;
  }

  emit(event: AnyEvent, data: unknown): void {
    this.writing(event).emit(event, data);
  }
  enqueue(job: AnyJob, input: unknown, options?: EnqueueOptions): void {
    this.writing(job).enqueue(job, input, options);
  }
  invalidate(...tags: readonly string[]): void {
    if (this.work === null) throw new Error("a query cannot invalidate");
    this.work.invalidate(tags);
  }

  private writing(said: AnyEvent | AnyJob): Work {
    if (this.work === null) throw new Error(`a query cannot emit or enqueue ${said.id}`);
    if (said.service !== this.service)
      throw new Error(`${said.id} belongs to ${said.service}, and ${this.service} may not say it`);
    return this.work;
  }
}
