import { nearest } from "../call/nearest.ts";
import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { cloudEventOf, eventOf } from "../log/cloud-event.ts";
import type { Log } from "../log/log.ts";
import type { Service } from "../service/service.ts";
import type { Store, StoredEvent } from "../store/store.ts";
import { relayName } from "./relay.ts";
import { deliveryBudgetMs, handle, runsOf, type Subscriber } from "./subscriber.ts";

/** What recovery works on. */
export interface Delivery {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly services: readonly Service[];
  readonly subscribers: readonly Subscriber[];
  readonly log: Log | undefined;
}

/** Reading a log of days must end some time. */
const readMs = 6 * 3_600_000;

/**
 * Rebuilds a projection from the events of this database and, where there is a log that can be read again, from what that keeps of other
 * ones. Live events wait meanwhile: the transaction holds the subscriber's inbox.
 */
export async function refold(
  { runtime, store, services, subscribers, log }: Delivery,
  id: string,
): Promise<{ readonly foldedCount: number }> {
  const subscriber = subscribers.find((one) => one.id === id && one.kind === "projection");
  const [serviceName = "", name = ""] = id.split(".");
  const projection = services.find(({ contract }) => contract.name === serviceName)?.projections.get(name);
  if (subscriber === undefined || projection === undefined) {
    const known = subscribers.filter(({ kind }) => kind === "projection").map((one) => one.id);
    throw kernelFaults.unknownAction({ action: id, nearest: known.length <= 5 ? known : nearest(id, known) });
  }
  const types = [...subscriber.byType.keys()];
  return store.outbox.refold(id, types, {
    reset: projection.reset,
    kept: log?.traits.replayable ? () => eventsOf(log, types) : undefined,
    fold: async (sql, events) => {
      const scope = new Scope(runtime.clock, deliveryBudgetMs, id);
      const entries = events.map((event) => ({ event }));
      for (const run of runsOf(subscriber, entries)) {
        await handle(subscriber, { events: run.map(({ event }) => event), sql, scope, attempt: 1, isTrial: false });
      }
    },
  });
}

/** All that the log keeps of the types. What is no event of ours is passed over, as it is by who consumes. */
async function* eventsOf(log: Log, types: readonly string[]): AsyncGenerator<readonly StoredEvent[]> {
  for await (const page of log.read({ types, since: 0, signal: AbortSignal.timeout(readMs) })) {
    const events = page.map(({ body }) => eventOf(body));
    yield events.filter((event) => typeof event !== "string" && types.includes(event.type)) as StoredEvent[];
  }
}

/** Runs a dead letter's handler once more, in one transaction with the letter's removal. */
export async function redrive(
  { runtime, store, subscribers, log }: Delivery,
  id: string,
): Promise<"handled" | "failed" | "gone"> {
  const scope = new Scope(runtime.clock, deliveryBudgetMs, "redrive");
  const found = await store.deadLetters.beginRedrive(id, scope);
  if (found === undefined) return "gone";
  const { letter, transaction } = found;
  try {
    if (letter.subscriber === relayName && log !== undefined) {
      await log.append([cloudEventOf(letter.event)]);
      await transaction.commit({ events: [], jobs: [] });
      return "handled";
    }
    const subscriber = subscribers.find((one) => one.id === letter.subscriber);
    if (subscriber === undefined) throw new Error(`no service here subscribes as ${letter.subscriber} any more`);
    const works = await runtime.watched(scope, () =>
      handle(subscriber, {
        events: [letter.event],
        sql: transaction.sql,
        scope,
        attempt: letter.attempts + 1,
        isTrial: false,
      }),
    );
    const committed = await transaction.commit({
      events: works.flatMap(({ events }) => events),
      jobs: works.flatMap(({ jobs }) => jobs),
    });
    runtime.afterCommit(subscriber.service, works, committed);
    return "handled";
  } catch (error) {
    await transaction.rollback();
    await store.deadLetters.refused(id, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    return "failed";
  }
}
