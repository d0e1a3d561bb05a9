import { Context, type Handling } from "../call/context.ts";
import { newSpanId } from "../call/ids.ts";
import type { CallRecord } from "../call/inspector.ts";
import { Origin } from "../call/origin.ts";
import type { Runtime } from "../call/runtime.ts";
import type { Scope } from "../call/scope.ts";
import { isFault } from "../contract/fault.ts";
import type { Service, Subscription } from "../service/service.ts";
import type { Sql } from "../store/sql.ts";
import type { StoredEvent } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { Work } from "../transaction/work.ts";
import { dataOf } from "./event-data.ts";

/** How long the handlers of one transaction may take together. */
export const deliveryBudgetMs = 30_000;

/** One name in the inbox: a subscription, or all folds of a projection. */
export interface Subscriber extends Handling {
  /** "reconciliation.matchPosted" */
  readonly id: string;
  readonly kind: "subscription" | "projection";
  readonly byType: ReadonlyMap<string, Subscription<string, unknown>>;
}

export function subscribersOf(runtime: Runtime, service: Service): Subscriber[] {
  const { name } = service.contract;
  const handling = { runtime, service: name, uses: service.uses, faults: {} };
  const byType = (all: readonly Subscription<string, unknown>[]) => new Map(all.map((one) => [one.event.id, one]));
  return [
    ...[...service.subscriptions].map(([key, one]) => ({
      ...handling,
      id: `${name}.${key}`,
      kind: "subscription" as const,
      byType: byType([one]),
    })),
    ...[...service.projections].map(([key, { folds }]) => ({
      ...handling,
      id: `${name}.${key}`,
      kind: "projection" as const,
      byType: byType(folds),
    })),
  ];
}

/** Whether its handler takes events together, so that one lane is filled before the next is used. Projections have one lane. */
export function fillsLanes({ kind, byType }: Subscriber): boolean {
  return kind === "subscription" && [...byType.values()].every(({ together }) => together);
}

/** Splits a group into what one run of a handler takes: one event, or those in a row that it wants together. */
export function runsOf<T extends { readonly event: StoredEvent }>(subscriber: Subscriber, group: readonly T[]): T[][] {
  const runs: T[][] = [];
  for (const entry of group) {
    const { type, tenant } = entry.event;
    const last = runs.at(-1);
    const before = last?.[0]?.event;
    const joins = subscriber.byType.get(type)?.together && before?.type === type && before.tenant === tenant;
    if (joins) last?.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

/** One run of a subscriber's handler: events of one type and tenant; several only where it takes them together. */
export interface HandlerRun {
  readonly events: readonly StoredEvent[];
  readonly sql: Sql;
  readonly scope: Scope;
  readonly attempt: number;
  /** Where it fails, it is run again at once: the failure is no outcome yet. */
  readonly isTrial: boolean;
}

/** Runs one subscriber's handler in the transaction that `sql` belongs to. Answers what it said, a part for each of its contexts. */
export async function handle(subscriber: Subscriber, run: HandlerRun): Promise<readonly Work[]> {
  const { events, scope, attempt } = run;
  const { runtime } = subscriber;
  const [first] = events as readonly [StoredEvent, ...StoredEvent[]];
  const subscription = subscriber.byType.get(first.type) as Subscription<string, unknown>;
  const works: Work[] = [];
  const spanId = runtime.inspector.emit === null ? undefined : newSpanId();
  let isOver = false;
  const contextAt = (place: number) => {
    const event = events[place];
    if (event === undefined) throw new RangeError(`there is no event ${place} among the ${events.length} that came`);
    const { id, tenant, key, version, at, traceId, metadata } = event;
    const identity = { subject: subscriber.id, tenant, permissions: everything };
    const origin = new Origin(identity, traceId, metadata);
    const work = new Work(origin, () => runtime.clock.now());
    // A handler that forgot to await may come when all is stored.
    if (isOver) work.close();
    works.push(work);
    const context = new Context(subscriber, scope, origin).inTransaction(work, run.sql);
    context.spanId = spanId;
    context.delivery = { id, key, version, at, attempt };
    return context;
  };
  const record = recorder(subscriber, events, { attempt, spanId: spanId ?? "" });
  try {
    const data = events.map((event) => dataOf(subscription.event, event));
    const context = contextAt(0);
    // Made for those that are asked for: a fold of thousands asks for none.
    if (subscription.together) Object.assign(context, { delivery: undefined, of: contextAt });
    await subscription.handler(context as never, (subscription.together ? data : data[0]) as never);
    if (subscriber.kind === "projection" && works.some((work) => work.events.length + work.jobs.length > 0)) {
      throw new Error(
        `${subscriber.id} is a projection and may not emit or enqueue: a rebuild would say everything again`,
      );
    }
    record("ok");
    return works;
  } catch (error) {
    // Handled before: this run has no outcome of its own.
    if (!run.isTrial && !storeFaults.handled.is(error)) {
      record(isFault(error) ? "fault" : "error", isFault(error) ? error.code : undefined);
    }
    throw error;
  } finally {
    isOver = true;
    for (const work of works) work.close();
  }
}

/** One record per event, whether they came together or not. */
function recorder(
  { runtime, id: subscriber }: Subscriber,
  events: readonly StoredEvent[],
  about: { readonly attempt: number; readonly spanId: string },
): (outcome: CallRecord["outcome"], fault?: string) => void {
  const at = runtime.clock.now();
  const began = runtime.clock.monotonic();
  return (outcome, fault) => {
    if (runtime.inspector.emit === null) return;
    const tookMs = runtime.clock.monotonic() - began;
    for (const { type, traceId, tenant } of events) {
      runtime.inspector.emit({
        kind: "delivery",
        id: type,
        of: "event",
        at,
        tookMs,
        outcome,
        ...(fault !== undefined && { fault }),
        subscriber,
        ...about,
        traceId,
        tenant,
        subject: subscriber,
      });
    }
  };
}

const everything: ReadonlySet<string> = new Set(["*"]);
