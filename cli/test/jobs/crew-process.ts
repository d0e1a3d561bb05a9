import { createApp } from "@banyan/kernel/app";
import { createBullTickets } from "@banyan/queue-bullmq";
import { createPostgresStore } from "@banyan/sql-postgres";
import { crewService } from "./crew.ts";

/** One process of a crew, as JSON says in its argument; it answers calls, and ends with its parent. */
const { url, leaseMs, redis } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly url: string;
  readonly leaseMs: number;
  readonly redis?: { readonly url: string; readonly namespace: string };
};
const app = createApp({
  services: [crewService],
  store: createPostgresStore({ url, connectionsMax: 6, readConnectionsMax: 2 }),
  jobs: { leaseMs, concurrency: 4, tickets: redis && createBullTickets(redis) },
  report: () => {},
});
await app.start();
process.on("message", async ({ call, input }: { readonly call: string; readonly input: unknown }) => {
  if (call === "pause") await app.pauseJobs(input as string);
  else if (call === "resume") await app.resumeJobs(input as string);
  else await app.call(app.action(`crew.${call}`), input as never, { deadlineMs: 20_000 });
  process.send?.({ answered: call });
});
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", async () => {
  await app.stop({ deadlineMs: 1_000 });
  process.exit(0);
});
process.send?.({ started: true });
