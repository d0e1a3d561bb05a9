import type { Log, LogConsumer } from "@banyan/kernel/log";
import type { Store } from "@banyan/kernel/store";
import { events } from "../memory/tables.ts";
import { forwarding } from "../world/forwarding.ts";
import type { Wiring } from "../world/process.ts";
import type { World } from "../world/world.ts";

/** What is read from the outbox is marked sent at once, before anybody has it. */
export function markSentFirst(store: Store): Store {
  const { outbox } = store;
  return {
    ...store,
    outbox: {
      ...outbox,
      async unsent(hearing, ...page) {
        const found = await outbox.unsent(hearing, ...page);
        await outbox.markSent(
          hearing.service,
          found.map(({ seq }) => seq),
        );
        return found;
      },
    },
  };
}

/** Whoever appends does not wait for the log to say that it has it. */
export function fireAndForget(log: Log): Log {
  return forwarding(log, {
    async append(messages) {
      void log.append(messages).catch(() => {});
    },
  });
}

/** Only what lies behind a cursor is read: a number that was drawn early and committed late is passed over. */
export function sequenceCursor(store: Store, world: World): Store {
  const cursors = cursorsOf(world);
  const { outbox } = store;
  return {
    ...store,
    outbox: {
      ...outbox,
      async unsent(hearing, ...page) {
        const cursor = cursors.get(hearing.service) ?? 0;
        const found = (await outbox.unsent(hearing, ...page)).filter(({ seq }) => seq > cursor);
        cursors.set(hearing.service, Math.max(cursor, ...found.map(({ seq }) => seq)));
        return found;
      },
    },
  };
}

const cursorsByWorld = new WeakMap<World, Map<string, number>>();

function cursorsOf(world: World): Map<string, number> {
  const cursors = cursorsByWorld.get(world) ?? new Map();
  cursorsByWorld.set(world, cursors);
  return cursors;
}

/** What a subscriber gives up is forgotten. */
export function retryThenDrop(store: Store): Store {
  return { ...store, deadLetters: { ...store.deadLetters, bury: async () => true } };
}

/** What arrives is acknowledged before its effect has committed. */
export const ackBeforeCommit: Wiring = {
  store: (store, { database }) => ({
    ...store,
    beginDelivery(subscriber, eventIds, budget) {
      const [service = ""] = subscriber.split(".");
      const seqs = eventIds.flatMap((id) => database.rows(events).get(id)?.seq ?? []);
      void store.outbox.markSent(service, seqs).catch(() => {});
      return store.beginDelivery(subscriber, eventIds, budget);
    },
  }),
  log: (log) =>
    forwarding(log, {
      async consume(options, receiver) {
        let consumer: LogConsumer | null = null;
        consumer = await log.consume(options, {
          received(messages) {
            consumer?.acknowledge(messages);
            receiver.received(messages);
          },
          lost: (reason) => receiver.lost(reason),
          refused: (reason) => receiver.refused(reason),
        });
        return consumer;
      },
    }),
};
