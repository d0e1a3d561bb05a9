import { DBOS } from "@dbos-inc/dbos-sdk";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";

const logger = { debug() {}, info() {}, warn() {}, error: console.error };

/**
 * DBOS in one process, its system database the same Postgres. Called directly, a run counts as done when its caller has the outcome;
 * by a queue, when its function has returned, which is before its outcome is stored: nobody awaits it.
 */
export async function open({ url, isQueued }) {
  const deliveries = trackDeliveries();
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, applicationVersion: "bench", logger });
  const step = (message) => DBOS.runStep(async () => message, { name: "step" });
  const one = DBOS.registerWorkflow(step, { name: "one" });
  const queued = DBOS.registerWorkflow(async (message) => deliveries.done(await step(message)), { name: "queued" });
  await DBOS.launch();
  if (!isQueued) return deliveries.methods(async (message) => deliveries.done(await one(message)));
  await DBOS.registerQueue("bench", { workerConcurrency: 100, minPollingIntervalMs: 20 });
  return deliveries.methods((message) => DBOS.startWorkflow(queued, { queueName: "bench" })(message));
}
