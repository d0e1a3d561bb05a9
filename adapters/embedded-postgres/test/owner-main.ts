import { createInterface } from "node:readline";
import { startEmbeddedPostgres } from "../src/index.ts";

/** An owner as a process of its own: reports every event as a line of JSON, stops when told by a line of input. */
const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`);

try {
  const postgres = await startEmbeddedPostgres({
    ...JSON.parse(process.argv[2] ?? "{}"),
    onProgress: (message) => say({ progress: message }),
    onOutage: (outage) => say({ outage }),
  });
  const { url, socketUrl, pid, adopted, created, timings } = postgres;
  say({ ready: { url, socketUrl, pid, adopted, created, timings } });
  createInterface(process.stdin).once("line", async () => {
    say({ stopped: await postgres.stop() });
    process.exit();
  });
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  say({ error: { code, message } });
  process.exit(1);
}
