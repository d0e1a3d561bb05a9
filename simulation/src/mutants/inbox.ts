import { type DeliveryTransaction, type Sql, type Store, storeFaults } from "@banyan/kernel/store";
import type { World } from "../world/world.ts";

const windowMs = 1_000;

let deliveries = 0;

/** A name that no inbox knows: whatever is delivered to it is new. */
function stranger(subscriber: string): string {
  return `${subscriber} ${++deliveries}`;
}

/** Nobody remembers what was handled. */
export function noInbox(store: Store): Store {
  return { ...store, beginDelivery: (subscriber, ...rest) => store.beginDelivery(stranger(subscriber), ...rest) };
}

/** What judges which events are new, in place of an inbox row in the effect's transaction. */
interface Memory {
  fresh(): Promise<ReadonlySet<string>>;
  /** Told that the effect has committed. */
  committed(): Promise<void>;
}

function remembering(inner: DeliveryTransaction, count: number, memory: Memory): DeliveryTransaction {
  const assertNew = async () => {
    if ((await memory.fresh()).size < count) throw storeFaults.handled();
  };
  let isOpened = false;
  const sql = async (...statement: Parameters<Sql>) => {
    if (!isOpened) await assertNew();
    return inner.sql(...statement);
  };
  return {
    ...inner,
    sql: sql as Sql,
    async open() {
      isOpened = true;
      await inner.open();
      return memory.fresh();
    },
    async commit(closing) {
      if (!isOpened) await assertNew();
      const committed = await inner.commit(closing);
      await memory.committed();
      return committed;
    },
  };
}

/** Only the broker remembers, and only for a while. */
export function brokerWindow(store: Store, world: World): Store {
  const handledAt = windowOf(world);
  return {
    ...store,
    beginDelivery(subscriber, eventIds, budget) {
      const isFresh = (id: string) =>
        world.timeline.now - (handledAt.get(`${subscriber} ${id}`) ?? -windowMs) >= windowMs;
      return remembering(store.beginDelivery(stranger(subscriber), eventIds, budget), eventIds.length, {
        fresh: async () => new Set(eventIds.filter(isFresh)),
        committed: async () => {
          for (const id of eventIds) handledAt.set(`${subscriber} ${id}`, world.timeline.now);
        },
      });
    },
  };
}

const windows = new WeakMap<World, Map<string, number>>();

function windowOf(world: World): Map<string, number> {
  const window = windows.get(world) ?? new Map();
  windows.set(world, window);
  return window;
}

/** The inbox row is written once the effect has committed, in a transaction of its own. */
export function inboxAfterwards(store: Store): Store {
  return {
    ...store,
    beginDelivery(subscriber, eventIds, budget) {
      return remembering(store.beginDelivery(stranger(subscriber), eventIds, budget), eventIds.length, {
        async fresh() {
          const look = store.beginDelivery(subscriber, eventIds, budget);
          try {
            return await look.open();
          } finally {
            await look.rollback();
          }
        },
        async committed() {
          const enter = store.beginDelivery(subscriber, eventIds, budget);
          await enter
            .open()
            .then(() => enter.commit({ events: [], jobs: [] }))
            .catch(() => enter.rollback());
        },
      });
    },
  };
}
