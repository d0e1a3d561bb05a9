import type { Service } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import type { Store } from "@banyan/kernel/store";
import { createPostgresStore } from "@banyan/sql-postgres";
import { type Message, trackDeliveries } from "./deliveries.ts";
import { keeperService, stream, streamService } from "./stream.ts";

/** A message counts as done when the transaction of its effect has committed, which only the store sees. */
export async function open({ url }: { url: string }) {
  const deliveries = trackDeliveries();
  const handled = new Map<string, Message>();
  const createStore = () =>
    tellingCommits(createPostgresStore({ url }), (eventIds) => {
      for (const id of eventIds) {
        const message = handled.get(id);
        handled.delete(id);
        if (message) deliveries.done(message);
      }
    });
  const keeper = keeperService((eventId, message) => handled.set(eventId, message));
  const start = async (services: readonly Service[]) => {
    const app = createApp({ services, store: createStore(), validateOutput: false });
    await app.start();
    return app;
  };
  let app = await start([streamService, keeper]);
  const by = (action: typeof stream.send | typeof stream.sendTogether | typeof stream.write) =>
    deliveries.methods((message) => app.call(action, message));
  return {
    ...by(stream.send),
    sustainedWriting: by(stream.write).sustained,
    sustainedTogether: by(stream.sendTogether).sustained,
    /** Events per second of a backlog that waited for its subscriber, from the subscriber's start to its last effect. */
    async drained(count: number): Promise<number> {
      await app.stop();
      const emitter = await start([streamService]);
      const finished = deliveries.backlog(count, (message) => emitter.call(stream.sendTogether, message));
      const untilDone = await finished;
      await emitter.stop();
      const startedMs = performance.now();
      app = await start([streamService, keeper]);
      await untilDone();
      return (count * 1_000) / (performance.now() - startedMs);
    },
  };
}

/** The store as it is, telling which events' effects have just committed. */
function tellingCommits(store: Store, onCommitted: (eventIds: readonly string[]) => void): Store {
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
