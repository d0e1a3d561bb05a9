import type { Service } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { type EngineOptions, ownLog } from "../log/own-log.ts";
import { type Message, trackDeliveries } from "./deliveries.ts";
import { keeperService, stream, streamService } from "./stream.ts";
import { tellingCommits } from "./telling-commits.ts";

/**
 * Events go from an outbox to an inbox of one database, by way of an engine where one is given. A message counts as done when the
 * transaction of its effect has committed, which only the store sees.
 */
export async function open({ url, by }: { url: string; by?: EngineOptions }) {
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
  const own = by && ownLog(by);
  const start = async (services: readonly Service[]) => {
    const app = createApp({ services, store: createStore(), validateOutput: false, ...(own && { log: own.log }) });
    await app.start();
    return app;
  };
  let app = await start([streamService, keeper]);
  const publishing = (action: typeof stream.send | typeof stream.sendTogether | typeof stream.write) =>
    deliveries.methods((message) => app.call(action, message));
  return {
    ...publishing(stream.send),
    sustainedWriting: publishing(stream.write).sustained,
    sustainedTogether: publishing(stream.sendTogether).sustained,
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
    /** For one with an engine: nothing of it is left there. */
    async close(): Promise<void> {
      await app.stop();
      await own?.remove("keeper");
    },
  };
}
