import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { trackDeliveries } from "../delivery/deliveries.ts";
import { flows, flowsService } from "./flows.ts";

/** Workflows in one process; a run counts as done when its caller has the outcome, which is stored then. */
export async function open({ url }: { url: string }) {
  const deliveries = trackDeliveries();
  const app = createApp({ services: [flowsService], store: createPostgresStore({ url }), validateOutput: false });
  await app.start();
  return deliveries.methods(async (message) => deliveries.done(await app.call(flows.one, message)));
}
