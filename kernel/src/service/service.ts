import type {
  AnyCommand,
  AnyEvent,
  AnyJob,
  AnyQuery,
  AnyWorkflow,
  Faults,
  Received,
  Returned,
} from "../contract/action.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Fault } from "../contract/fault.ts";
import type { Collection } from "../documents/collection.ts";
import type { Sql } from "../store/sql.ts";
import type { BaseContext, CommandContext, EventContext, EventsContext, JobContext, QueryContext } from "./context.ts";
import type { FlowContext } from "./flow-context.ts";
import type { Identity } from "./identity.ts";

/** What a service uses that needs nothing but the store. */
export type NoUses = Record<never, never>;
type Answer<T> = T | Promise<T>;

type ContextOf<A, Uses> = A extends AnyCommand
  ? CommandContext<A["service"], Faults<A>, Uses>
  : A extends AnyQuery
    ? QueryContext<Faults<A>, Uses>
    : A extends AnyJob
      ? JobContext<A["service"], Uses>
      : A extends AnyWorkflow
        ? FlowContext<A["service"], Faults<A>, Uses>
        : never;

/** Handles one command, query, job or workflow: `export const postTransaction: Handler<typeof ledger.post> = async (ctx, input) => …`. */
export type Handler<A extends AnyCommand | AnyQuery | AnyJob | AnyWorkflow, Uses = NoUses> = (
  ctx: ContextOf<A, Uses>,
  input: Received<A>,
) => Answer<Returned<A>>;

/** Reacts to an event of any service, on behalf of the service with contract `C`, in a transaction with its inbox row. */
export type EventHandler<E extends AnyEvent, C extends AnyContract, Uses = NoUses> = (
  ctx: EventContext<C["contract"]["name"], Uses>,
  data: Received<E>,
) => Answer<void>;

/** The same for `onMany`: the events that came together. */
export type EventsHandler<E extends AnyEvent, C extends AnyContract, Uses = NoUses> = (
  ctx: EventsContext<C["contract"]["name"], Uses>,
  data: readonly Received<E>[],
) => Answer<void>;

/** One command of a batch. What it emits and enqueues is stored under its own identity and idempotency key. */
export interface BatchItem<A extends AnyCommand> {
  readonly input: Received<A>;
  readonly identity: Identity;
  /** Asks a query on behalf of whoever sent the command. */
  readonly call: CommandContext<A["service"], Faults<A>, never>["call"];
  readonly emit: CommandContext<A["service"], Faults<A>, never>["emit"];
  readonly enqueue: CommandContext<A["service"], Faults<A>, never>["enqueue"];
  readonly invalidate: CommandContext<A["service"], Faults<A>, never>["invalidate"];
}

/** What a batch has in common: one transaction, and the longest budget of its items. */
export interface BatchContext<Faults, Uses>
  extends Omit<BaseContext<Uses>, "identity" | "metadata" | "traceId" | "documents"> {
  readonly faults: Faults;
}

/**
 * Handles the commands that are in flight together, in one transaction: one verdict per item, in order, a result or a
 * declared fault. A fault is that item's alone, so the handler must leave nothing of it behind. When the handler throws,
 * everything is rolled back and each item runs alone, so that one cannot fail its neighbours.
 */
export type BatchHandler<A extends AnyCommand, Uses = NoUses> = (
  ctx: BatchContext<Faults<A>, Uses>,
  items: readonly BatchItem<A>[],
) => Promise<readonly (Returned<A> | Fault)[]>;

/** A handler that takes commands in groups; made by `batched`. */
export interface Batched<A extends AnyCommand, Uses> {
  readonly batch: BatchHandler<A, Uses>;
  readonly itemsMax: number;
  readonly groupsMax: number;
}

/** How a batched command is handled. */
export interface BatchOptions {
  /** At most so many at a time. Default 256. */
  readonly itemsMax?: number;
  /**
   * So many groups are under way at once; a second begins only when it is full. Default 1, right for items that want the same rows: of two
   * groups, one would wait for the other, holding what others want. More pays where each writes rows of its own.
   */
  readonly groupsMax?: number;
  /**
   * The handler gets the items of each tenant by themselves, in the one transaction: tenants in the order of their names, so that two
   * groups lock the rows of theirs in one order.
   */
  readonly perTenant?: boolean;
}

/**
 * Marks a handler that takes commands in groups: while one group commits, the next collects. It pays where many callers want the same
 * rows, and where commits are what costs.
 */
export function batched<A extends AnyCommand, Uses = NoUses>(
  batch: BatchHandler<A, Uses>,
  { itemsMax = 256, groupsMax = 1, perTenant = false }: BatchOptions = {},
): Batched<A, Uses> {
  return { batch: perTenant ? tenantByTenant(batch) : batch, itemsMax, groupsMax };
}

function tenantByTenant<A extends AnyCommand, Uses>(batch: BatchHandler<A, Uses>): BatchHandler<A, Uses> {
  return async (ctx, items) => {
    const verdicts = new Map<BatchItem<A>, Returned<A> | Fault>();
    const groups = [...Map.groupBy(items, ({ identity }) => identity.tenant)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, own] of groups) {
      const given = await batch(ctx, own);
      if (given.length !== own.length) throw new Error(`${given.length} verdicts for ${own.length} items`);
      for (const [place, verdict] of given.entries()) verdicts.set(own[place] as BatchItem<A>, verdict);
    }
    return items.map((item) => verdicts.get(item) as Returned<A> | Fault);
  };
}

/** An event, and what a service does about it. */
export interface Subscription<Service extends string, Uses> {
  readonly event: AnyEvent;
  readonly handler: (ctx: EventContext<Service, Uses> & EventsContext<Service, Uses>, data: never) => Answer<void>;
  readonly attemptsMax: number;
  /** The handler takes those that came together, as an array. */
  readonly together: boolean;
}

/**
 * Subscribes a service to an event: `subscriptions: { match: on(ledger.posted, matchPosted) }`. The name is the inbox's:
 * renaming it makes a new subscription. `attemptsMax` runs (default 8: with backoff, about a minute) come before the
 * dead letters. Under load several events share a transaction; handlers that send all their statements in one go (one
 * statement, or several without an await between) share the round trip too, which makes them several times as quick.
 */
export function on<E extends AnyEvent, S extends string, Uses>(
  event: E,
  handler: (ctx: EventContext<S, Uses>, data: Received<E>) => Answer<void>,
  options: { readonly attemptsMax?: number } = {},
): Subscription<S, Uses> {
  return { event, handler, attemptsMax: options.attemptsMax ?? 8, together: false };
}

/**
 * The same for a handler that takes events as they came together, up to 100 of one tenant (5,000 in a projection), in order
 * per key: one statement for all of them is many times as quick as one for each. After a failure they come in halves, until
 * the one that cannot be handled is alone.
 */
export function onMany<E extends AnyEvent, S extends string, Uses>(
  event: E,
  handler: (ctx: EventsContext<S, Uses>, data: readonly Received<E>[]) => Answer<void>,
  options: { readonly attemptsMax?: number } = {},
): Subscription<S, Uses> {
  return { event, handler, attemptsMax: options.attemptsMax ?? 8, together: true };
}

/**
 * A read model that is nothing but a fold of events, so that it can be dropped and rebuilt. `reset` empties it; each
 * fold adds one event. Folds may not emit: a rebuild would say everything again.
 */
export interface Projection<Service extends string, Uses> {
  readonly folds: readonly Subscription<Service, Uses>[];
  readonly reset: (sql: Sql) => Promise<unknown>;
}

type Handlers<C extends AnyContract, Uses> = {
  commands: {
    readonly [K in keyof C["contract"]["commands"] & string]:
      | Handler<C["contract"]["commands"][K], Uses>
      | Batched<C["contract"]["commands"][K], Uses>;
  };
  queries: { readonly [K in keyof C["contract"]["queries"] & string]: Handler<C["contract"]["queries"][K], Uses> };
  jobs: { readonly [K in keyof C["contract"]["jobs"] & string]: Handler<C["contract"]["jobs"][K], Uses> };
  workflows: {
    readonly [K in keyof C["contract"]["workflows"] & string]: Handler<C["contract"]["workflows"][K], Uses>;
  };
};

/** A handler for each command, query, job and workflow that the contract declares; a kind it has none of is left out. */
type RequiredHandlers<C extends AnyContract, Uses> = {
  readonly [P in keyof Handlers<C, Uses> as keyof C["contract"][P] extends never ? never : P]: Handlers<C, Uses>[P];
};

interface Wiring<C extends AnyContract, Uses> {
  /** What handlers find as `ctx.uses`. */
  readonly uses?: Uses;
  /** Folder of numbered SQL files, `new URL("../sql/", import.meta.url)`; its tables lie in the schema of the service's name. */
  readonly migrations?: URL;
  /** What its handlers ask `ctx.documents` for. */
  readonly collections?: readonly Collection[];
  /** That its handlers use `ctx.kv`. */
  readonly usesKv?: boolean;
  /** Contracts of services that must have started before this one. */
  readonly after?: readonly AnyContract[];
  /** Runs before the service takes its first call; opens what `uses` holds. A throw stops the whole start. */
  readonly start?: (signal: AbortSignal) => Promise<void>;
  /** Runs after the service's last call; closes what `start` opened. */
  readonly stop?: () => Promise<void>;
  /** Of an instanced contract: the keys that this process owns. Left out: it takes all. */
  readonly instances?: readonly string[];
  readonly subscriptions?: Readonly<Record<string, Subscription<C["contract"]["name"], Uses>>>;
  readonly projections?: Readonly<Record<string, Projection<C["contract"]["name"], Uses>>>;
  /** Events that its workflows wait for, of any service. They are kept from the first start on, for a step that comes to wait later. */
  readonly awaits?: readonly AnyEvent[];
}

/** A contract with its handlers, ready for an application. What the application reads of it is untyped: the types did their work. */
export interface Service {
  readonly contract: AnyContract["contract"];
  readonly uses: unknown;
  readonly migrations: URL | undefined;
  readonly collections: readonly Collection[];
  readonly usesKv: boolean;
  readonly after: readonly string[];
  /** null: all keys, or the contract is not instanced. */
  readonly instances: readonly string[] | null;
  readonly start: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly stop: (() => Promise<void>) | undefined;
  readonly handlers: ReadonlyMap<AnyHandled, AnyHandler | Batched<AnyCommand, unknown>>;
  readonly subscriptions: ReadonlyMap<string, Subscription<string, unknown>>;
  readonly projections: ReadonlyMap<string, Projection<string, unknown>>;
  readonly awaits: readonly AnyEvent[];
}

type AnyHandled = AnyCommand | AnyQuery | AnyJob | AnyWorkflow;

export type AnyHandler = (ctx: unknown, input: unknown) => unknown;

/** Binds a contract to its handlers. Throws where a declared action has no handler, or a handler no declaration. */
export function implement<C extends AnyContract, Uses = NoUses>(
  { contract }: C,
  implementation: Wiring<C, Uses> & RequiredHandlers<C, Uses>,
): Service {
  const wiring: Wiring<C, Uses> = implementation;
  const parts = implementation as unknown as Record<string, Record<string, AnyHandler> | undefined>;
  const handlers = new Map<AnyHandled, AnyHandler | Batched<AnyCommand, unknown>>();
  for (const kind of ["commands", "queries", "jobs", "workflows"] as const) {
    const given = parts[kind] ?? {};
    for (const [name, action] of Object.entries(contract[kind])) {
      const handler = given[name];
      if (handler === undefined)
        throw new Error(`${action.id} has no handler; add it to implement(${contract.name}, { ${kind}: … })`);
      handlers.set(action, handler);
    }
    for (const name of Object.keys(given)) {
      if (!(name in contract[kind]))
        throw new Error(`${contract.name}.${name} is handled among ${kind}, but its contract does not declare it`);
    }
  }
  for (const name of Object.keys(wiring.subscriptions ?? {})) {
    if (wiring.projections && name in wiring.projections)
      throw new Error(`${contract.name}.${name} is a subscription and a projection; both keep an inbox by name`);
  }
  return {
    contract,
    uses: wiring.uses ?? {},
    migrations: wiring.migrations,
    collections: wiring.collections ?? [],
    usesKv: wiring.usesKv ?? false,
    after: (wiring.after ?? []).map((other) => other.contract.name),
    instances: wiring.instances ?? null,
    start: wiring.start,
    stop: wiring.stop,
    handlers,
    subscriptions: new Map(Object.entries(wiring.subscriptions ?? {})) as Service["subscriptions"],
    projections: new Map(Object.entries(wiring.projections ?? {})) as Service["projections"],
    awaits: wiring.awaits ?? [],
  };
}
