import type { ConsumeOptions, Log, LogReceiver } from "@banyan/kernel/log";
import type { Sql, Store, Transaction } from "@banyan/kernel/store";

/**
 * Where a process can be made to die, in the order an event passes them. They stand around the ports, so the product has none of them in it.
 * The inserts of outbox and COMMIT travel in one write, and so are one place: before it, and after it.
 */
export const failpoints = [
  "command: before BEGIN",
  "command: before the state's write",
  "command: after the state's write",
  "command: before outbox and COMMIT",
  "command: after COMMIT",
  "relay: before the claim",
  "relay: before publishing",
  "relay: after the confirmation",
  "relay: before marking sent",
  "relay: after marking sent",
  "consumer: after receiving",
  "consumer: before the inbox",
  "consumer: before the effect",
  "consumer: before COMMIT",
  "consumer: after COMMIT",
  "consumer: before acknowledging",
  "consumer: before the dead letter",
  "consumer: after the dead letter",
] as const;

export type Failpoint = (typeof failpoints)[number];

/** Those that only a log has: without one, events go straight to the subscribers. */
export const onlyByLog: ReadonlySet<Failpoint> = new Set([
  "relay: before publishing",
  "relay: after the confirmation",
  "consumer: after receiving",
  "consumer: before acknowledging",
]);

/** Told of each place that is passed; it may never return. */
export type Passed = (point: Failpoint) => void;

/** The store, telling of what passes. */
export function withStoreFailpoints(store: Store, passed: Passed): Store {
  const { outbox, deadLetters } = store;
  return {
    ...store,
    beginCommands(keys, budget) {
      passed("command: before BEGIN");
      const transaction = store.beginCommands(keys, budget);
      return {
        ...around(transaction, {
          before: () => passed("command: before the state's write"),
          after: () => passed("command: after the state's write"),
        }),
        open: () => transaction.open(),
        refuse: (commands) => transaction.refuse(commands),
        async commit(closing) {
          passed("command: before outbox and COMMIT");
          const committed = await transaction.commit(closing);
          passed("command: after COMMIT");
          return committed;
        },
      };
    },
    beginDelivery(subscriber, eventIds, budget) {
      passed("consumer: before the inbox");
      const transaction = store.beginDelivery(subscriber, eventIds, budget);
      return {
        ...around(transaction, { before: () => passed("consumer: before the effect"), after: () => {} }),
        open: () => transaction.open(),
        async commit(closing) {
          passed("consumer: before COMMIT");
          const committed = await transaction.commit(closing);
          passed("consumer: after COMMIT");
          return committed;
        },
      };
    },
    outbox: {
      ...outbox,
      unsent(...page) {
        passed("relay: before the claim");
        return outbox.unsent(...page);
      },
      async markSent(service, seqs) {
        passed("relay: before marking sent");
        await outbox.markSent(service, seqs);
        passed("relay: after marking sent");
      },
    },
    deadLetters: {
      ...deadLetters,
      async bury(...letter) {
        passed("consumer: before the dead letter");
        const isBuried = await deadLetters.bury(...letter);
        passed("consumer: after the dead letter");
        return isBuried;
      },
    },
  };
}

/** The transaction, its statements told of. Each is sent when it is asked for, awaited or not: so must it be here. */
function around(transaction: Transaction, tell: { readonly before: () => void; readonly after: () => void }) {
  const told = ((...literal: Parameters<Sql>) => {
    tell.before();
    const rows = transaction.sql(...literal);
    void Promise.resolve(rows).then(tell.after, () => {});
    return rows;
  }) as Sql;
  return { ...transaction, sql: Object.assign(told, transaction.sql), rollback: () => transaction.rollback() };
}

/** The log, telling of what passes. */
export function withLogFailpoints(log: Log, passed: Passed): Log {
  return {
    traits: log.traits,
    open: (options) => log.open(options),
    async append(messages) {
      passed("relay: before publishing");
      await log.append(messages);
      passed("relay: after the confirmation");
    },
    async consume(options: ConsumeOptions, receiver: LogReceiver) {
      const consumer = await log.consume(options, {
        received(messages) {
          passed("consumer: after receiving");
          receiver.received(messages);
        },
        lost: (reason) => receiver.lost(reason),
        refused: (reason) => receiver.refused(reason),
      });
      return {
        acknowledge(messages) {
          passed("consumer: before acknowledging");
          consumer.acknowledge(messages);
        },
        close: () => consumer.close(),
      };
    },
    read: (options) => log.read(options),
    lag: (group) => log.lag(group),
    close: (options) => log.close(options),
  };
}
