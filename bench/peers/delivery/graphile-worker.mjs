import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";

/** LISTEN/NOTIFY is built in; the local queue and the batch delays are its documented settings for throughput. */
export async function open({ url }) {
  const deliveries = trackDeliveries();
  const database = {
    connectionString: url,
    maxPoolSize: 12,
    schema: "bench_graphile",
    logger: new Logger(() => () => {}),
  };
  await run({
    ...database,
    preset: {
      worker: { concurrentJobs: 100, localQueue: { size: 200 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
    },
    noHandleSignals: true,
    taskList: { bench: async (message) => deliveries.done(message) },
  });
  const jobs = await makeWorkerUtils(database);
  return deliveries.methods((message) => jobs.addJob("bench", message));
}
