import { randomUUID } from "node:crypto";
import { Queue, Worker } from "bullmq";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";

/** BullMQ by itself, its job does nothing: as many at a time as graphile-worker has here, done ones removed at once. */
export async function open({ redis }) {
  const deliveries = trackDeliveries();
  const name = `bench-${randomUUID()}`;
  const connection = { url: redis };
  const removed = { removeOnComplete: true, removeOnFail: true };
  const queue = new Queue(name, { connection, defaultJobOptions: removed });
  const worker = new Worker(name, async () => {}, { connection: { ...connection, maxRetriesPerRequest: null }, concurrency: 100 });
  worker.on("completed", ({ data }) => deliveries.done(data));
  await worker.waitUntilReady();
  return {
    ...deliveries.methods((message) => queue.add("bench", message)),
    async close() {
      await worker.close();
      await queue.obliterate({ force: true });
      await queue.close();
    },
  };
}
