import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { keepAges } from "./ages.ts";
import type { Message } from "./deliveries.ts";
import { keeperService } from "./stream.ts";
import { tellingCommits } from "./telling-commits.ts";

/** The subscriber alone, of what another process publishes. */
export async function open({ url }: { url: string }) {
  const ages = keepAges();
  const handled = new Map<string, Message>();
  const store = tellingCommits(createPostgresStore({ url }), (eventIds) => {
    for (const id of eventIds) {
      const message = handled.get(id);
      handled.delete(id);
      if (message) ages.done(message);
    }
  });
  const keeper = keeperService((eventId, message) => handled.set(eventId, message));
  await createApp({ services: [keeper], store, validateOutput: false }).start();
  return ages.methods;
}
