import type { Hearing, Outbox, OutboxEvent } from "@banyan/kernel/store";
import type { DatabaseTransaction } from "./database.ts";
import { runOnce } from "./lane.ts";
import { lead } from "./lead.ts";
import type { Opener } from "./opener.ts";
import { handOver, storedSubscriptions } from "./outbox/listening.ts";
import { refold } from "./outbox/refold.ts";
import { events, unsent, unsentKey } from "./tables.ts";

export function createOutbox(opener: Opener, onAnnounced: Outbox["onAnnounced"]): Outbox {
  return {
    lead: (service, signal) => lead(opener, service, signal),
    unsent: (hearing, most, known) =>
      runOnce(opener, async (transaction) => {
        const left = new Set(known);
        let bytes = 0;
        return waiting(transaction, hearing)
          .filter(({ seq }) => !left.has(seq))
          .slice(0, most.count)
          .filter(({ data }) => {
            const before = bytes;
            bytes += Buffer.byteLength(data);
            return before < most.bytes;
          });
      }),
    markSent: (service, seqs) =>
      runOnce(opener, async (transaction) => {
        transaction.isUnflushed = true;
        for (const seq of seqs) await transaction.update(unsent, unsentKey(service, seq), () => undefined);
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
function waiting(transaction: DatabaseTransaction, { service, types }: Hearing): OutboxEvent[] {
  return [...transaction.rows(unsent).values()]
    .filter((row) => row.service === service)
    .sort((a, b) => a.seq - b.seq)
    .flatMap((row) => transaction.get(events, row.event) ?? [])
    .filter(({ type }) => types === "all" || types.includes(type));
}
