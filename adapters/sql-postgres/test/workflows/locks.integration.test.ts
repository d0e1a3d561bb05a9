import type { ClaimedJob } from "@banyan/kernel/jobs";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { BEGIN, COMMIT, connect, type SqlConnection } from "../../src/connection.ts";
import { createPostgresStore, statement } from "../../src/index.ts";

const runs = ["a", "b"];
const rowsOf = async (connection: SqlConnection, text: string) =>
  (await connection.run([statement(text)]))[0]?.rows ?? [];

const enough = { remainingMs: () => 5_000, signal: new AbortController().signal };
const backwards = (jobs: readonly ClaimedJob[]) => jobs.toSorted((one, other) => (one.id < other.id ? 1 : -1));
const insertJobs = (type: string, ids: readonly string[]) =>
  step.run([
    statement(
      `INSERT INTO banyan.job (id, type, tenant, input, trace_id, metadata, delay_ms, due_at)
        SELECT id, $1, 't', '', '', '{}', 0, clock_timestamp() FROM unnest($2::text[]) AS id`,
      [type, ids],
    ),
  ]);
const untilOneWaits = async () => {
  const watch = await connect({ url: database.url });
  try {
    const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    await vi.waitUntil(async () => (await rowsOf(watch, waiting)).length > 0, 10_000);
  } finally {
    await watch.close();
  }
};

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let store: ReturnType<typeof createPostgresStore>;
let step: SqlConnection;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  store = createPostgresStore({ url: database.url });
  await store.start([]);
  step = await connect({ url: database.url });
  await insertJobs("probe.run", runs);
});
afterAll(async () => {
  await step.close();
  await store.stop(enough);
  await database.drop();
});

test("leases that are renewed while steps commit wait for them, and not crosswise", async () => {
  const claimed = await store.jobs.claim(["probe.run"], 2, { ms: 15_000, owner: "me" });
  const hold = (run: string) => {
    const tokens = claimed.flatMap(({ id, token }) => (id === run ? [token] : []));
    return statement("SELECT banyan.hold_runs($1::text[], $2::bigint[])", [[run], tokens]);
  };
  await step.run([BEGIN, hold("a")]);
  const renewed = store.jobs.renew(backwards(claimed), 15_000);
  await untilOneWaits();
  await step.run([hold("b"), COMMIT]);
  expect(await renewed).toEqual(new Set(runs));
});

test.each(["given back", "completed together"])("jobs are %s in the order in which leases are renewed", async (how) => {
  const ids = ["c", "d"].map((id) => `${id} ${how}`);
  await insertJobs(how, ids);
  const claimed = await store.jobs.claim([how], 2, { ms: 15_000, owner: "me" });
  const lock = (id: string) => statement("SELECT FROM banyan.job WHERE id = $1 FOR UPDATE NOWAIT", [id]);
  await step.run([BEGIN, lock(ids[0] as string)]);
  const ended =
    how === "given back"
      ? store.jobs.release(backwards(claimed))
      : Promise.all(backwards(claimed).map((job) => store.beginJob(job, enough).commit({ events: [], jobs: [] })));
  await untilOneWaits();
  await step.run([lock(ids[1] as string), COMMIT]);
  await ended;
});

test("a process of the release before stores runs though it says nothing of what came since", async () => {
  await rowsOf(
    step,
    `INSERT INTO banyan.workflow (id, type, version, tenant, actor, permissions, input, input_hash, trace_id, metadata, started_at)
      VALUES ('older', 'orders.place', 1, 't', 'a', '[]', '{}', '', '', '{}', clock_timestamp())`,
  );
  expect(await rowsOf(step, "SELECT FROM banyan.workflow WHERE heard_from >= started_at")).toHaveLength(1);
});
