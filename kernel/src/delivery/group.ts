import { Scope } from "../call/scope.ts";
import type { Sql } from "../store/sql.ts";
import type { DeliveryTransaction, Store, StoredEvent } from "../store/store.ts";
import type { Work } from "../transaction/work.ts";
import { deliveryBudgetMs, type HandlerRun, handle, runsOf, type Subscriber } from "./subscriber.ts";

/** An event on its way through a lane. */
export interface Entry {
  readonly event: StoredEvent;
  /** What events are ordered by: tenant and key. */
  readonly key: string;
  attempt: number;
}

/** Events of one subscriber that share a transaction. */
export interface Group {
  readonly store: Store;
  readonly subscriber: Subscriber;
  readonly entries: readonly Entry[];
}

/*
 * Handles events of one subscriber in one transaction with their inbox rows (L2), in one of two ways.
 *
 * At once: all are taken for new and their handlers started together, so that what each sends first goes in one round trip
 * with everybody's, the inbox rows and BEGIN. It must have the effect of one handler after the other, which it has as long as
 * each says what it says in one go: a handler that reads, locks or computes before it writes would meet others in between.
 * Who tries is refused, and the whole is rolled back. Measured: 100 handlers of one statement each, 4 lanes: 87,000 events a
 * second, and 24,800 one after the other (design/measured/log.md).
 *
 * In turn: asks which events are new, and runs one handler after the other. Slower, and right for all. What failed at once is
 * handled in turn, which shows whose failure it was.
 */

/** A handler spoke again after another had spoken. Of its lane no handlers are run at once any more. */
export class Interleaved extends Error {
  constructor(subscriber: string) {
    super(`a handler of ${subscriber} sends statements one after the other; its events are handled in turn`);
    this.name = "Interleaved";
  }
}

export function handleAtOnce(group: Group): Promise<void> {
  const { subscriber, entries } = group;
  return transact(group, async ({ sql }, scope) => {
    const floor = new Floor(subscriber.id, sql);
    /** The last handler of each key: the next one of the key begins when it has ended (L1). */
    const last = new Map<string, Promise<unknown>>();
    const running = runsOf(subscriber, entries).map((run) => {
      const begin = () => handle(subscriber, { ...runOf(run), sql: floor.speaker(), scope, isTrial: true });
      const before = run.flatMap(({ key }) => last.get(key) ?? []);
      const work = before.length === 0 ? begin() : Promise.all(before).then(begin);
      for (const { key } of run) last.set(key, work);
      return work;
    });
    // All of them, so that none is still at work when the transaction ends and its events are handled in turn.
    const ends = await Promise.allSettled(running);
    if (floor.interleaved !== null) throw floor.interleaved;
    return ends.flatMap((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
  });
}

/** Says through `handling` whose handler runs, and undefined once all have. */
export function handleInTurn(group: Group, handling: (entry: Entry | undefined) => void): Promise<void> {
  const { subscriber, entries } = group;
  return transact(group, async (transaction, scope) => {
    // One alone need not be asked for: its inbox row travels with the handler's first statement, one round trip less.
    const fresh = entries.length === 1 ? null : await transaction.open();
    const works: Work[] = [];
    for (const run of runsOf(
      subscriber,
      entries.filter(({ event }) => fresh?.has(event.id) ?? true),
    )) {
      // Of several, only each alone will show who failed.
      handling(run.length === 1 ? run[0] : undefined);
      works.push(...(await handle(subscriber, { ...runOf(run), sql: transaction.sql, scope, isTrial: false })));
    }
    handling(undefined);
    return works;
  });
}

function runOf(entries: readonly Entry[]): Pick<HandlerRun, "events" | "attempt"> {
  return { events: entries.map(({ event }) => event), attempt: entries[0]?.attempt ?? 1 };
}

async function transact(
  { store, subscriber, entries }: Group,
  work: (transaction: Pick<DeliveryTransaction, "sql" | "open">, scope: Scope) => Promise<Work[]>,
): Promise<void> {
  const { runtime } = subscriber;
  const scope = new Scope(runtime.clock, deliveryBudgetMs, subscriber.id);
  const ids = entries.map(({ event }) => event.id);
  const transaction = store.beginDelivery(subscriber.id, ids, scope);
  let hasSpoken = false;
  const speak = (...statement: Parameters<Sql>) => {
    hasSpoken = true;
    return transaction.sql(...statement);
  };
  // As with the transaction's own: the caller names the type of its rows.
  const sql = speak as Sql;
  try {
    const works = await runtime.watched(scope, () => work({ sql, open: () => transaction.open() }, scope));
    // What a fold passed over it passes over again, should it come again: an inbox row would be all that is stored.
    if (subscriber.kind === "projection" && !hasSpoken) return await transaction.rollback();
    const committed = await transaction.commit({
      events: works.flatMap(({ events }) => events),
      jobs: works.flatMap(({ jobs }) => jobs),
    });
    runtime.afterCommit(subscriber.service, works, committed);
  } catch (error) {
    scope.end(error as Error);
    await transaction.rollback();
    throw error;
  }
}

/** Gives the floor to one handler after the other, and to each only once. */
class Floor {
  interleaved: Interleaved | null = null;
  private readonly subscriber: string;
  private readonly sql: Sql;
  private speakers = 0;
  private speaking = 0;

  constructor(subscriber: string, sql: Sql) {
    this.subscriber = subscriber;
    this.sql = sql;
  }

  /** The transaction as one handler sees it. */
  speaker(): Sql {
    const self = ++this.speakers;
    let hasSpoken = false;
    const { sql } = this;
    const speak = (...statement: Parameters<Sql>) => {
      if (hasSpoken && this.speaking !== self) this.interleaved ??= new Interleaved(this.subscriber);
      if (this.interleaved !== null) return Promise.reject(this.interleaved);
      hasSpoken = true;
      this.speaking = self;
      return sql(...statement);
    };
    // As with the transaction's own: the caller names the type of its rows.
    return speak as Sql;
  }
}
