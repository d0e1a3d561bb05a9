import { type Refold, type StoredEvent, storeFaults } from "@banyan/kernel/store";
import { gateOf } from "../closing.ts";
import type { DatabaseTransaction } from "../database.ts";
import { sqlOf } from "../dialect.ts";
import { Lane } from "../lane.ts";
import type { Opener } from "../opener.ts";
import { deadLetters, events, inbox, keyOf, storedEvent } from "../tables.ts";

const foldPage = 1_000;
const refoldMs = 3_600_000;

/** Folds everything anew in one transaction, with deliveries to the subscriber shut out by its gate. */
export async function refold(
  opener: Opener,
  { subscriber, types }: { readonly subscriber: string; readonly types: readonly string[] },
  ...[work]: [work: Refold]
): Promise<{ readonly foldedCount: number }> {
  const end = opener.database.now() + refoldMs;
  const signal = new AbortController().signal;
  const lane = new Lane(opener, { remainingMs: () => end - opener.database.now(), signal });
  const sql = sqlOf(opener.dialect, (statement) => lane.run(statement));
  let foldedCount = 0;
  const fold = async (events: readonly StoredEvent[]) => {
    await work.fold(sql, events);
    foldedCount += events.length;
  };
  try {
    await lane.run((transaction) => transaction.lock(gateOf(subscriber), "exclusive"));
    const taken = await lane.run((transaction) => forget(transaction, subscriber));
    await work.reset(sql);
    const own = await lane.run(async (transaction) =>
      [...transaction.rows(events).values()].filter(({ type }) => types.includes(type)).sort((a, b) => a.seq - b.seq),
    );
    for (let at = 0; at < own.length; at += foldPage) {
      const page = own.slice(at, at + foldPage);
      await lane.run((transaction) => enter(transaction, subscriber, page));
      await fold(page.map(storedEvent));
    }
    for await (const page of work.kept?.() ?? []) {
      for (const { id } of page) taken.delete(id);
      const fresh = await lane.run((transaction) => {
        const others = page.filter(({ id }) => transaction.get(events, id) === undefined);
        return enter(transaction, subscriber, others);
      });
      if (fresh.length > 0) await fold(fresh);
    }
    if (taken.size > 0)
      throw storeFaults.missing({ subscriber, count: taken.size, since: Math.min(...taken.values()) });
    await lane.commit(async () => {});
    return { foldedCount };
  } catch (error) {
    await lane.rollback();
    throw error;
  }
}

/** Answers those that were not in the inbox. */
async function enter(
  transaction: DatabaseTransaction,
  subscriber: string,
  events: readonly StoredEvent[],
): Promise<readonly StoredEvent[]> {
  const fresh: StoredEvent[] = [];
  for (const event of events) {
    const row = { subscriber, event: event.id };
    if (await transaction.insertNew(inbox, keyOf(subscriber, event.id), row)) fresh.push(event);
  }
  return fresh;
}

/** Answers the events of other databases that the subscriber took, each with its moment. */
async function forget(transaction: DatabaseTransaction, subscriber: string): Promise<Map<string, number>> {
  const taken = new Map<string, number>();
  for (const { subscriber: taker, event } of transaction.rows(inbox).values()) {
    if (taker === subscriber && transaction.get(events, event) === undefined) taken.set(event, momentOf(event));
  }
  for (const table of [inbox, deadLetters]) {
    for (const [key, row] of transaction.rows<{ readonly subscriber: string }>(table)) {
      if (row.subscriber === subscriber) await transaction.update(table as typeof inbox, key, () => undefined);
    }
  }
  return taken;
}

/** In milliseconds since 1970, of a UUIDv7 (RFC 9562). */
function momentOf(id: string): number {
  return Number.parseInt(id.replace("-", "").slice(0, 12), 16);
}
