import { randomUUID } from "node:crypto";
import { createApp } from "@banyan/kernel/app";
import type { Store } from "@banyan/kernel/store";
import { createBullTickets } from "@banyan/queue-bullmq";
import { createPostgresStore } from "@banyan/sql-postgres";
import { removeKeys } from "@banyan/tools/remove-keys";
import { type Message, trackDeliveries } from "../delivery/deliveries.ts";
import { crew, crewService } from "./crew.ts";
import { emptying } from "./emptying.ts";

/**
 * Jobs in Postgres, handed out by it or, where a Redis is given, by BullMQ. A job counts as done when the transaction that completes
 * it has committed, which only the store sees.
 */
export async function open({ url, redis }: { url: string; redis?: string }) {
  const deliveries = trackDeliveries();
  const handled = new Map<string, Message>();
  const store = tellingCompletions(createPostgresStore({ url }), (id) => {
    const message = handled.get(id);
    handled.delete(id);
    if (message) deliveries.done(message);
  });
  const service = crewService((id, message) => handled.set(id, message));
  const namespace = `bench-${randomUUID()}`;
  const tickets = redis === undefined ? undefined : createBullTickets({ url: redis, namespace });
  const app = createApp({ services: [service], store, validateOutput: false, jobs: { tickets } });
  await app.start();
  const { sustained, steady } = deliveries.methods((message) => app.call(crew.add, message));
  return {
    sustained,
    steady,
    sustainedWriting: deliveries.methods((message) => app.call(crew.addWriting, message)).sustained,
    emptied: emptying(deliveries, {
      fill: async (messages) => {
        await app.pauseJobs("crew.idle");
        await Promise.all(messages.map((message) => app.call(crew.add, message, { deadlineMs: 60_000 })));
      },
      begin: () => app.resumeJobs("crew.idle"),
    }),
    async close() {
      await app.stop();
      if (redis !== undefined) await removeKeys(redis, namespace);
    },
  };
}

/** The store as it is, telling which jobs have just completed. */
function tellingCompletions(store: Store, onCompleted: (jobId: string) => void): Store {
  return Object.assign(Object.create(store) as Store, {
    ...store,
    beginJob: ((job, budget) => {
      const transaction = store.beginJob(job, budget);
      return {
        sql: transaction.sql,
        rollback: () => transaction.rollback(),
        async commit(closing) {
          const committed = await transaction.commit(closing);
          onCompleted(job.id);
          return committed;
        },
      };
    }) satisfies Store["beginJob"],
  });
}
