import type { AnyAction, AnyQuery, Event, Job, JobPriority, Returned, Sent, Workflow } from "../contract/action.ts";
import type { Fault } from "../contract/fault.ts";
import type { Collection } from "../documents/collection.ts";
import type { DocumentSet } from "../documents/documents.ts";
import type { KeyValues } from "../kv/kv.ts";
import type { Sql } from "../store/sql.ts";
import type { Identity } from "./identity.ts";

export interface CallOptions {
  /** The budget of this call in milliseconds; shortens what is left of the caller's, never lengthens it. */
  readonly deadlineMs?: number;
  /** The instance of an instanced contract that the call is for; elsewhere what `balance: "hash"` goes by. */
  readonly key?: string;
}

/** Answers in place of a call that found nobody, no room or no time. Faults that the action declares are its answers, and pass. */
export interface Fallback<A extends AnyAction> {
  readonly fallback?: ((fault: Fault) => Returned<A>) | undefined;
}

/** The last argument of a call: that to an instanced contract must say which instance. */
export type CallArguments<A extends AnyAction, Options> = A["instanced"] extends true
  ? [options: Options & Fallback<A> & { readonly key: string }]
  : [options?: Options & Fallback<A>];

export interface CommandCallOptions extends CallOptions {
  /** The same key and input give the same result, once. Inside a job the default is the job, the action and its turn. */
  readonly idempotencyKey?: string;
}

export interface EnqueueOptions {
  /** Earliest start, in milliseconds from now. */
  readonly delayMs?: number;
  /** Earliest start, in milliseconds since 1970; in place of `delayMs`. */
  readonly at?: number;
  /** While a job of this name with this key waits or runs, a second one is not stored. */
  readonly dedupeKey?: string;
  /** Default: what its contract says. */
  readonly priority?: JobPriority;
  /** Whose job it is. Only a job with a schedule, which runs for nobody, may name another tenant than its own. */
  readonly tenant?: string;
  /**
   * Jobs that must be done first, by the ids that `enqueue` answered. One that is dead holds this one back until it is retried; one
   * that is no longer stored is done.
   */
  readonly after?: readonly string[];
}

export interface StartOptions {
  /** Of the run: a start under one that is known does nothing. Default: a new one. */
  readonly id?: string;
  /** Earliest start, in milliseconds from now. */
  readonly delayMs?: number;
  /** Earliest start, in milliseconds since 1970; in place of `delayMs`. */
  readonly at?: number;
}

/** What every handler has. */
export interface BaseContext<Uses> {
  /** Who asked; carried along every call. */
  readonly identity: Identity;
  /** Set by the first caller, carried along every call and delivery. Not for secrets: it is stored with events. */
  readonly metadata: Readonly<Record<string, string>>;
  /** 32 hexadecimal digits (W3C Trace Context), the same for everything one request caused. */
  readonly traceId: string;
  /** Milliseconds left of the budget. */
  remainingMs(): number;
  /** What the caller named as `key`: in an instanced contract the instance that the call is for. */
  readonly key: string | undefined;
  /** Aborts when the caller gives up or the budget is spent. Hand it to whatever can take it. */
  readonly signal: AbortSignal;
  /** The wall clock, in milliseconds since 1970. Tests turn it. */
  now(): number;
  /** A UUIDv7 (RFC 9562): sorts by time, so that an index on it grows at its end. */
  newId(): string;
  /** SQL on the service's own tables. See `Sql`. */
  readonly sql: Sql;
  /**
   * The caller's tenant's documents of a collection of this service. Where `documents` has the trait `transactional` they take part in
   * the handler's transaction; else what is inserted stays, and a handler that runs again must insert under the same `insertion`.
   */
  documents<D extends object>(collection: Collection<D>): DocumentSet<D>;
  /** What the service shares with its other processes, and may be forgotten; of all tenants. Nothing of it takes part in a transaction. */
  readonly kv: KeyValues;
  /** What `implement` was given as `uses`. */
  readonly uses: Uses;
}

/** Events, jobs and runs leave with the transaction or not at all. Throws once the handler has returned. */
interface Emits<Service extends string> {
  /** The name of the service that handles. */
  readonly service: Service;
  /** Only the service's own events. The data is validated and taken over now: later changes of the object do not count. */
  readonly emit: <E extends Event<Service, string, unknown, unknown>>(event: E, data: Sent<E>) => void;
  /** Only the service's own jobs. Answers the job's id, for `after`. */
  readonly enqueue: <J extends Job<Service, string, unknown, unknown>>(
    job: J,
    input: Sent<J>,
    options?: EnqueueOptions,
  ) => string;
  /** Only the service's own workflows: the run starts when the transaction has committed. Answers its id. */
  readonly start: <W extends Workflow<Service, string, unknown, unknown, unknown, unknown>>(
    workflow: W,
    input: Sent<W>,
    options?: StartOptions,
  ) => string;
  /** Ends, at the commit, every cached answer of this service's queries under one of the tags. */
  invalidate(...tags: readonly string[]): void;
}

interface AsksQueries {
  /** Queries only: a transaction changes its own service alone. What it wants of others' commands goes by event or job. */
  call<A extends AnyQuery>(action: A, input: Sent<A>, ...options: CallArguments<A, CallOptions>): Promise<Returned<A>>;
}

/** What the handler of a command has: it may change its own service, and say so. */
export interface CommandContext<Service extends string, Faults, Uses>
  extends BaseContext<Uses>,
    Emits<Service>,
    AsksQueries {
  /** Raises the faults that the action declares: `throw ctx.faults.insufficientFunds({ … })`. */
  readonly faults: Faults;
}

/** What the handler of a query has: it may read. */
export interface QueryContext<Faults, Uses> extends BaseContext<Uses>, AsksQueries {
  readonly faults: Faults;
}

/** The message as it was stored. */
export interface Delivery {
  readonly id: string;
  readonly key: string;
  /** 1, 2, 3 … per tenant and key, without gaps. */
  readonly version: number;
  /** When it was committed, in milliseconds since 1970. */
  readonly at: number;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** What the handler of a subscription has: the message beside all that a command has, except faults of its own. */
export interface EventContext<Service extends string, Uses> extends BaseContext<Uses>, Emits<Service>, AsksQueries {
  readonly delivery: Delivery;
}

/** What the handler of events that came together has. */
export interface EventsContext<Service extends string, Uses> extends BaseContext<Uses>, Emits<Service>, AsksQueries {
  /**
   * What `on` would give for the event at this place among those that came, from 0: its key and time, and what is emitted or enqueued by it
   * goes on under the trace of that event, by the handler's own context under that of the first.
   */
  of(place: number): EventContext<Service, Uses>;
}

/** What the handler of a job has: commands of any service beside a transaction of its own. */
export interface JobContext<Service extends string, Uses> extends BaseContext<Uses>, Emits<Service> {
  /** Commands and queries of any service: each command is a transaction of its own, idempotent under the job's key. */
  call<A extends AnyAction>(
    action: A,
    input: Sent<A>,
    ...options: CallArguments<A, CommandCallOptions>
  ): Promise<Returned<A>>;
  readonly job: { readonly id: string; readonly attempt: number };
}
