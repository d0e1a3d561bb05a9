import type { RemotePolicy } from "./remote-policy.ts";
import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";

/** Where the types of an action live. Never present at run time. */
export declare const types: unique symbol;

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
/** "POST /v1/accounts/:account/close": path parameters, query string and body merge into one input. */
export type HttpRoute = `${HttpMethod} /${string}`;

interface Described {
  /** One line for OpenAPI, the console and `banyan services`. */
  readonly summary?: string;
}

/** Which input field the text of a body becomes. */
interface HttpText {
  readonly field: string;
  readonly contentTypes: readonly string[];
  readonly bytesMax?: number;
  /**
   * JSON too comes as its text where it would be refused for something that it holds (NUL, half a surrogate pair, what is no UTF-8, a number
   * that no double is, a key given twice, nesting), so that the handler judges its parts one by one. What is no UTF-8 comes as halves of
   * surrogate pairs, escaped.
   */
  readonly alsoUnsound?: boolean;
  /**
   * Lets a body be of any length: it comes line by line, in pieces of up to `bytesMax`, each a call of its own and each under its own part
   * of an idempotency key. This folds the answers to two of them into one.
   */
  readonly inPieces?: (sum: never, next: never) => unknown;
}

interface Callable extends Described {
  readonly input: Schema;
  /** What leaves, serialised from this schema: what it does not name is not sent. It must not transform. */
  readonly output: Schema;
  /** Names from the contract's `faults`. */
  readonly faults?: readonly string[];
  readonly http?: HttpRoute;
  /** The status of success; 200 unless given. */
  readonly httpStatus?: 200 | 201 | 202 | 204;
  /** Bodies of these content types become the text of one input field, beside JSON; with "application/json" among them, JSON too, as it was sent. */
  readonly httpText?: HttpText;
  /** Headers that become fields of the input, by field: `{ signature: "webhook-signature" }`. Where one is absent, so is its field. */
  readonly httpHeaders?: Readonly<Record<string, string>>;
  /** The answer is the text of one output field, of this content type, in place of JSON. */
  readonly httpAnswer?: { readonly field: string; readonly contentType: string };
  /** The permission a caller needs; "public" needs none. */
  readonly access: string;
  /** Shortens the caller's budget; never lengthens it. Default: what the caller has left (5,000 at an edge). */
  readonly deadlineMs?: number;
  /** "none" takes input as it comes, typed but unchecked; refused together with `http`, since an edge could reach it. */
  readonly validate?: "always" | "none";
  /** What happens to calls of it that leave the process, where that is not what its contract says. */
  readonly remote?: RemotePolicy;
  /** What `balance: "hash"` goes by where the call names no key. Gets the input as it is sent. */
  readonly key?: (input: never) => string;
}

export interface CommandDefinition extends Callable {
  /**
   * What is kept of a call that took effect. "always", the default, is its audit record. "keyed" keeps what came with an
   * idempotency key only: for what is sent by the thousand and known by ids of its own.
   */
  readonly record?: "always" | "keyed";
  /**
   * "once" where the answer holds a secret: it is sent to who calls, and stored nowhere. Who comes again with the idempotency key is told by
   * `kernel.answeredOnce` that it took effect. No step of a workflow, which must remember its answer. Default "again".
   */
  readonly answers?: "again" | "once";
}

export interface QueryDefinition extends Callable {
  /**
   * Whoever accepts "text/event-stream" follows it as server-sent events: it is asked again and again, each time `after` the `next` of its last
   * answer, `everyMs` apart. `list` names the field of the answer that tells whether there is anything to send.
   */
  readonly httpFollow?: { readonly list: string; readonly everyMs: number };
  /**
   * Answers from memory for `ttlMs`, one load at a time per tenant and input; a command that names one of the tags in
   * `ctx.invalidate` ends that at its commit (in its own process; others keep to `ttlMs`). An answer holds what was committed `ttlMs` before
   * it was asked for, whatever the load took. The load knows the tenant
   * but not the person who asked, so that one's answer cannot become another's.
   */
  readonly cache?: { readonly ttlMs: number; readonly tags?: (input: never) => readonly string[] };
}

export interface EventDefinition extends Described {
  readonly data: Schema;
  /** Events of one key reach each subscriber in commit order; across keys nothing is promised. */
  readonly key: (data: never) => string;
}

/** When a job enqueues itself with input {}. */
export type Schedule =
  | {
      /** Minute, hour, day of month, month, day of week: "0 3 * * *". */
      readonly cron: string;
      /**
       * IANA name, as "Europe/Berlin". Default: UTC. Where clocks change, a time of day that is skipped comes with the first that is not,
       * and one that comes twice counts once; what recurs within the day ("*" or "/" in the hours) goes by what the clock shows.
       */
      readonly timeZone?: string;
    }
  /** At the multiples of it since 1970. */
  | { readonly everyMs: number };

/** "high" goes before "normal" jobs that have been due up to an hour longer, these before "low" ones by as much: nothing starves. */
export type JobPriority = "high" | "normal" | "low";

/** At most so many runs begin at once, and so many per `perMs` from then on, in all processes together. */
export interface RateLimit {
  readonly runs: number;
  readonly perMs: number;
}

export interface JobDefinition extends Described {
  readonly input: Schema;
  /**
   * Each turn is stored once, however many processes run. Turns that nobody was there for are made up by one. A turn that finds
   * the one before still waiting or running is left out.
   */
  readonly schedule?: Schedule;
  /**
   * Runs before the job is dead. Default 10, after 0.2 s, 0.4 s and so on, 5 minutes at most. A fault of kind "unavailable" is not counted.
   */
  readonly attemptsMax?: number;
  /** How long one run may take. Default 60,000. Whether its worker still lives is told sooner, by its lease. */
  readonly deadlineMs?: number;
  /** Default "normal". */
  readonly priority?: JobPriority;
  /** Failed runs count. */
  readonly rateLimit?: RateLimit;
  /** The most runs at a time, in all processes together. 1: one after the other. */
  readonly concurrency?: number;
}

export interface WorkflowDefinition extends Callable {
  /**
   * Written by hand; a run keeps the one it began with, as `flow.version`. Default 1. A process leaves runs of a later version than its own
   * to the others.
   */
  readonly version?: number;
  /** What people and other services may tell a run while it goes on, by name. */
  readonly signals?: Readonly<Record<string, Schema>>;
  /** Steps that one run may take, undone ones included. Default 1,000. */
  readonly stepsMax?: number;
}

/**
 * An output's schema must hand on what it takes: Standard Schema cannot encode, so a Date or a transform would leave
 * as something else than its type says.
 */
export type Untransformed<S extends Schema> =
  SchemaInput<S> extends SchemaOutput<S> ? S : "an output schema must not transform";

/** Changes state, in one transaction. */
export function command<const D extends CommandDefinition, I extends Schema>(
  definition: D & {
    readonly input: I;
    readonly output: Untransformed<D["output"]>;
    readonly key?: (input: SchemaInput<I>) => string;
  },
): D {
  return definition;
}

/** Reads, and never changes anything. */
export function query<const D extends QueryDefinition, I extends Schema>(
  definition: D & {
    readonly input: I;
    readonly output: Untransformed<D["output"]>;
    readonly cache?: { readonly ttlMs: number; readonly tags?: (input: SchemaOutput<I>) => readonly string[] };
    readonly key?: (input: SchemaInput<I>) => string;
  },
): D {
  return definition;
}

/** Says that something happened. Delivered at least once to every subscription that exists when it commits. */
export function event<S extends Schema>(definition: {
  readonly data: S;
  readonly key: (data: SchemaOutput<S>) => string;
  readonly summary?: string;
}): { readonly data: S; readonly key: (data: never) => string; readonly summary?: string } {
  return definition;
}

/** Deferred or repeated work of the service itself: leased, retried with backoff, at least once. */
export function job<const D extends JobDefinition>(definition: D): D {
  return definition;
}

/** Spans services: a function of named steps, each done once, that outlives the process it runs in. */
export function workflow<const D extends WorkflowDefinition, I extends Schema>(
  definition: D & {
    readonly input: I;
    readonly output: Untransformed<D["output"]>;
    readonly key?: (input: SchemaInput<I>) => string;
  },
): D {
  return definition;
}

interface Addressed<Kind extends string, Service extends string, Name extends string> {
  readonly kind: Kind;
  readonly service: Service;
  readonly name: Name;
  /** "service.name": for people, logs and wires. Calls are addressed by the value. */
  readonly id: string;
  /** The index of this value in every table of the process; a Map look-up would cost as much as the rest of a call. */
  readonly slot: number;
}

/** What the actions of a contract have from it. */
interface OfContract<Instanced extends boolean> {
  /** Each call names the instance that it is for. */
  readonly instanced: Instanced;
  /** How calls of the contract's actions leave the process. */
  readonly remote: RemotePolicy;
}

/** A declared command, addressed: what `ctx.call` of a job takes. Names come first, so that compiler text starts with them. */
export interface Command<
  Service extends string,
  Name extends string,
  Sent,
  Received,
  Returned,
  Faults,
  Instanced extends boolean = boolean,
> extends Addressed<"command", Service, Name>,
    OfContract<Instanced> {
  readonly definition: CommandDefinition;
  readonly [types]: { sent: Sent; received: Received; returned: Returned; faults: Faults };
}

/** A declared query, addressed: what every `ctx.call` takes. */
export interface Query<
  Service extends string,
  Name extends string,
  Sent,
  Received,
  Returned,
  Faults,
  Instanced extends boolean = boolean,
> extends Addressed<"query", Service, Name>,
    OfContract<Instanced> {
  readonly definition: QueryDefinition;
  readonly [types]: { sent: Sent; received: Received; returned: Returned; faults: Faults };
}

/** A declared workflow, addressed: what `ctx.call` of a job or workflow takes, and `ctx.start`. */
export interface Workflow<
  Service extends string,
  Name extends string,
  Sent,
  Received,
  Returned,
  Faults,
  Instanced extends boolean = boolean,
  Signals = object,
> extends Addressed<"workflow", Service, Name>,
    OfContract<Instanced> {
  readonly definition: WorkflowDefinition;
  readonly signals: Signals;
  readonly [types]: { sent: Sent; received: Received; returned: Returned; faults: Faults };
}

/** A declared signal of a workflow, addressed: what `flow.waitFor` takes. */
export interface Signal<Id extends string, Sent, Received> {
  readonly kind: "signal";
  /** "payments.capture.decided" */
  readonly id: Id;
  readonly data: Schema;
  readonly [types]: { sent: Sent; received: Received };
}

/** A declared event, addressed: what `ctx.emit` and `on` take. */
export interface Event<Service extends string, Name extends string, Sent, Received>
  extends Addressed<"event", Service, Name> {
  readonly definition: EventDefinition;
  readonly [types]: { sent: Sent; received: Received };
}

/** A declared job, addressed: what `ctx.enqueue` takes. */
export interface Job<Service extends string, Name extends string, Sent, Received>
  extends Addressed<"job", Service, Name> {
  readonly definition: JobDefinition;
  readonly [types]: { sent: Sent; received: Received; returned: void; faults: object };
}

/** A command of any contract. */
export type AnyCommand = Command<string, string, unknown, unknown, unknown, unknown>;
/** A query of any contract. */
export type AnyQuery = Query<string, string, unknown, unknown, unknown, unknown>;
/** An event of any contract. */
export type AnyEvent = Event<string, string, unknown, unknown>;
/** A job of any contract. */
export type AnyJob = Job<string, string, unknown, unknown>;
/** A workflow of any contract. */
export type AnyWorkflow = Workflow<string, string, unknown, unknown, unknown, unknown>;
/** A signal of any workflow. */
export type AnySignal = Signal<string, unknown, unknown>;
/** What can be called and awaited. */
export type AnyAction = AnyCommand | AnyQuery | AnyWorkflow;

/** What a caller of the action, or the emitter of the event, passes. */
export type Sent<A extends { readonly [types]: { sent: unknown } }> = A[typeof types]["sent"];
/** What its handler gets. */
export type Received<A extends { readonly [types]: { received: unknown } }> = A[typeof types]["received"];
/** What the call resolves to. */
export type Returned<A extends { readonly [types]: { returned: unknown } }> = A[typeof types]["returned"];
export type Faults<A extends { readonly [types]: { faults: unknown } }> = A[typeof types]["faults"];
