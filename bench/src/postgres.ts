import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "@banyan/embedded-postgres";
import type { Bench } from "./rounds.ts";

/** Inside the checkout: a temporary folder may lie in memory, where making a commit durable costs nothing. */
const parent = fileURLToPath(new URL("../../.banyan/", import.meta.url));

/**
 * Runs `use` beside a Postgres that ours and the peers share: DATABASE_URL, else the embedded one with its default
 * settings in a new folder, over its socket; it is stopped and removed afterwards.
 */
export async function withPostgres<T>(bench: Bench, use: (url: string) => Promise<T>): Promise<T> {
  const given = process.env.DATABASE_URL;
  if (given) return use(given);
  mkdirSync(parent, { recursive: true });
  const dataFolder = await mkdtemp(join(parent, "bench-"));
  bench.progress("starting Postgres");
  const { signal, progress: onProgress } = bench;
  try {
    const server = await startEmbeddedPostgres({ dataFolder, signal, onProgress });
    try {
      return await use(server.socketUrl);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}
