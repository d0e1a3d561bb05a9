import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";
import { emptying } from "../../src/jobs/emptying.ts";

/** The local queue and the batch delays are its documented settings for throughput; the task does nothing. */
export async function open({ url }) {
  const deliveries = trackDeliveries();
  const database = {
    connectionString: url,
    maxPoolSize: 12,
    schema: "bench_graphile_jobs",
    logger: new Logger(() => () => {}),
  };
  const work = () =>
    run({
      ...database,
      preset: {
        worker: { concurrentJobs: 100, localQueue: { size: 200 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
      },
      noHandleSignals: true,
      taskList: { bench: async (message) => deliveries.done(message) },
    });
  const jobs = await makeWorkerUtils(database);
  await jobs.migrate();
  let runner = await work();
  return {
    ...deliveries.methods((message) => jobs.addJob("bench", message)),
    emptied: emptying(deliveries, {
      fill: async (messages) => {
        await runner.stop();
        await jobs.addJobs(messages.map((payload) => ({ identifier: "bench", payload })));
      },
      begin: async () => {
        runner = await work();
      },
    }),
  };
}
