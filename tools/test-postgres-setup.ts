import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@banyan/embedded-postgres";
import type { TestProject } from "vitest/node";

/** The kinds of test that may ask for a database; a run of pure rules does not wait for one. */
const NEEDS_POSTGRES = /(\.integration|conformance)\.test\.ts$|[\\/]journeys[\\/]/;

/**
 * Gives the whole run one real PostgreSQL in a folder that goes with it: `inject("postgresUrl")`.
 * BANYAN_TEST_POSTGRES names another server to use instead. Nothing here outlives a power cut, so nothing is synced;
 * durability has tests of its own, on servers of their own.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.BANYAN_TEST_POSTGRES;
  if (given || !project.vitest.state.getPaths().some((file) => NEEDS_POSTGRES.test(file))) {
    project.provide("postgresUrl", given ?? "");
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "banyan-test-"));
  const postgres = await startEmbeddedPostgres({
    dataFolder: join(folder, "postgres"),
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" },
  });
  project.provide("postgresUrl", postgres.url);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
