import type { Hearing, Outbox, StoredEvent } from "@banyan/kernel/store";
import { gateOf } from "./closing.ts";
import type { DatabaseTransaction } from "./database.ts";
import { sqlOf } from "./dialect.ts";
import { Lane, runOnce } from "./lane.ts";
import { lead } from "./lead.ts";
import { handOver, storedSubscriptions } from "./listening.ts";
import type { Opener } from "./opener.ts";
import { deadLetters, events, inbox, keyOf, unsent } from "./tables.ts";

const foldPage = 1_000;
const refoldMs = 3_600_000;

export function createOutbox(opener: Opener, onAnnounced: Outbox["onAnnounced"]): Outbox {
  return {
    lead: (service, signal) => lead(opener, service, signal),
    unsent: (hearing, limit) => runOnce(opener, async (transaction) => waiting(transaction, hearing).slice(0, limit)),
    markSent: (service, eventIds) =>
      runOnce(opener, async (transaction) => {
        for (const id of eventIds) await transaction.update(unsent, keyOf(service, id), () => undefined);
      }),
    async adopt(service, by) {
      await runOnce(opener, (transaction) => handOver(transaction, service, by));
    },
    subscriptions: () => runOnce(opener, async (transaction) => storedSubscriptions(transaction)),
    forget: (service) => runOnce(opener, (transaction) => handOver(transaction, service)),
    onAnnounced,
    backlog: (hearing) =>
      runOnce(opener, async (transaction) => {
        const all = waiting(transaction, hearing);
        const oldest = Math.min(transaction.database.now(), ...all.map(({ at }) => at));
        return { count: all.length, oldestMs: transaction.database.now() - oldest };
      }),
    refold: (subscriber, types, work) => refold(opener, { subscriber, types }, work),
  };
}

/** In the order of `seq`, which grows with the version within a key. */
function waiting(transaction: DatabaseTransaction, { service, types }: Hearing): StoredEvent[] {
  return [...transaction.rows(unsent).values()]
    .filter((row) => row.service === service)
    .sort((a, b) => a.seq - b.seq)
    .flatMap((row) => transaction.get(events, row.event) ?? [])
    .filter(({ type }) => types === "all" || types.includes(type))
    .map(storedEvent);
}

/** Folds the log anew in one transaction, with deliveries to the subscriber shut out by its gate. */
async function refold(
  opener: Opener,
  { subscriber, types }: { readonly subscriber: string; readonly types: readonly string[] },
  ...[work]: [work: Parameters<Outbox["refold"]>[2]]
): Promise<{ readonly foldedCount: number }> {
  const end = opener.database.now() + refoldMs;
  const signal = new AbortController().signal;
  const lane = new Lane(opener, { remainingMs: () => end - opener.database.now(), signal });
  const sql = sqlOf(opener.dialect, (statement) => lane.run(statement));
  try {
    await lane.run((transaction) => transaction.lock(gateOf(subscriber), "exclusive"));
    await lane.run((transaction) => forget(transaction, subscriber));
    await work.reset(sql);
    const wanted = await lane.run(async (transaction) =>
      [...transaction.rows(events).values()].filter(({ type }) => types.includes(type)).sort((a, b) => a.seq - b.seq),
    );
    for (let at = 0; at < wanted.length; at += foldPage) {
      const page = wanted.slice(at, at + foldPage);
      await lane.run(async (transaction) => {
        for (const { id } of page) await transaction.insert(inbox, keyOf(subscriber, id), { subscriber, event: id });
      });
      await work.fold(sql, page.map(storedEvent));
    }
    await lane.commit(async () => {});
    return { foldedCount: wanted.length };
  } catch (error) {
    await lane.rollback();
    throw error;
  }
}

async function forget(transaction: DatabaseTransaction, subscriber: string): Promise<void> {
  for (const table of [inbox, deadLetters]) {
    for (const [key, row] of transaction.rows<{ readonly subscriber: string }>(table)) {
      if (row.subscriber === subscriber) await transaction.update(table as typeof inbox, key, () => undefined);
    }
  }
}

export function storedEvent({ seq: _seq, ...event }: StoredEvent & { readonly seq: number }): StoredEvent {
  return event;
}
