import type { Store } from "@banyan/kernel/store";

/** The store as it is, telling which events' effects have just committed. */
export function tellingCommits(store: Store, onCommitted: (eventIds: readonly string[]) => void): Store {
  return {
    ...store,
    beginDelivery(subscriber, eventIds, budget) {
      const transaction = store.beginDelivery(subscriber, eventIds, budget);
      return {
        sql: transaction.sql,
        open: () => transaction.open(),
        rollback: () => transaction.rollback(),
        async commit(closing) {
          const committed = await transaction.commit(closing);
          onCommitted(eventIds);
          return committed;
        },
      };
    },
  };
}
