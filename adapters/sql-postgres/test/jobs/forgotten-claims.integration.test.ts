import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@banyan/embedded-postgres";
import type { Budget } from "@banyan/kernel/store";
import { expect, onTestFinished, test, vi } from "vitest";
import { createPostgresStore } from "../../src/index.ts";

const budget = (): Budget => ({ remainingMs: () => 10_000, signal: new AbortController().signal });
const job = {
  id: "0192c1f0-0000-7000-8000-000000000001",
  type: "probe.job",
  tenant: "t",
  input: "{}",
  delayMs: 0,
  priority: "normal",
  dedupeKey: undefined,
  after: [],
  traceId: "",
  metadata: {},
} as const;

test("whoever claims a job again that a killed server has forgotten to be claimed shares no token with the first", async () => {
  const folder = await mkdtemp(join(tmpdir(), "banyan forgotten "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // What did not wait for the disk is not on it for so long.
  const settings = { wal_writer_delay: "10s" };
  const server = await startEmbeddedPostgres({ dataFolder: join(folder, "postgres"), settings });
  onTestFinished(async () => void (await server.stop()));
  const store = createPostgresStore({ url: server.url });
  await store.start([]);
  onTestFinished(() => store.stop(budget()));

  await store.beginCommands([], budget()).commit({ events: [], jobs: [job], commands: [] });
  const claim = (owner: string) => store.jobs.claim([job.type], 1, { ms: 600_000, owner });
  const [first] = await claim("first");
  process.kill(server.pid, "SIGKILL");
  const [second] = await vi.waitFor(async () => {
    const claimed = await claim("second");
    expect(claimed).toHaveLength(1);
    return claimed;
  }, 30_000);
  if (first === undefined || second === undefined) throw new Error("nobody claimed it");

  expect([first.attempt, second.attempt]).toEqual([1, 1]);
  const complete = (claimed: typeof first) => store.beginJob(claimed, budget()).commit({ events: [], jobs: [] });
  await expect(complete(first)).rejects.toMatchObject({ code: "store.stale" });
  await complete(second);
}, 60_000);
