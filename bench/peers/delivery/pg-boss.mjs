import { PgBoss } from "pg-boss";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";

const queue = "bench";

/** LISTEN/NOTIFY on, batches of a hundred, the next one at once while batches are full. */
export async function open({ url }) {
  const deliveries = trackDeliveries();
  const boss = new PgBoss({ connectionString: url, max: 12, schema: "bench_boss", useListenNotify: true });
  boss.on("error", console.error);
  await boss.start();
  await boss.createQueue(queue, { notify: true });
  await boss.deleteAllJobs(queue);
  const polling = { pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 };
  await boss.work(queue, { batchSize: 100, burstWhenBatchFull: true, ...polling }, async (jobs) => {
    for (const job of jobs) deliveries.done(job.data);
  });
  return deliveries.methods((message) => boss.send(queue, message));
}
