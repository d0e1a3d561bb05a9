import { createApp } from "@banyan/kernel/app";
import type { Store } from "@banyan/kernel/store";
import { createPostgresStore } from "@banyan/sql-postgres";
import { type Message, trackDeliveries } from "./deliveries.ts";
import { stream, streamService } from "./stream.ts";

/** A message counts as done when the transaction of its effect has committed, which only the store sees. */
export async function open({ url }: { url: string }) {
  const deliveries = trackDeliveries();
  const handled = new Map<string, Message>();
  const store = tellingCommits(createPostgresStore({ url }), (eventIds) => {
    for (const id of eventIds) {
      const message = handled.get(id);
      handled.delete(id);
      if (message) deliveries.done(message);
    }
  });
  const service = streamService((eventId, message) => handled.set(eventId, message));
  const app = createApp({ services: [service], store, validateOutput: false });
  await app.start();
  const { sustained } = deliveries.methods((message) => app.call(stream.write, message));
  return { ...deliveries.methods((message) => app.call(stream.send, message)), sustainedWriting: sustained };
}

/** The store as it is, telling which events' effects have just committed. */
function tellingCommits(store: Store, onCommitted: (eventIds: readonly string[]) => void): Store {
  return {
    start: (services) => store.start(services),
    stop: (budget) => store.stop(budget),
    ping: (budget) => store.ping(budget),
    read: (budget) => store.read(budget),
    beginCommands: (keys, budget) => store.beginCommands(keys, budget),
    beginJob: (job, budget) => store.beginJob(job, budget),
    outbox: store.outbox,
    deadLetters: store.deadLetters,
    jobs: store.jobs,
    retention: store.retention,
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
