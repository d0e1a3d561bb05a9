import { expect, inject, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../../src/index.ts";
import { createPool } from "../../src/pool.ts";
import { createRunner } from "../../src/store/runner.ts";
import { checkedDays, type RetentionDays, sweep } from "../../src/store/sweep.ts";

const budget = () => {
  const end = performance.now() + 10_000;
  return { remainingMs: () => end - performance.now(), signal: new AbortController().signal };
};

async function open() {
  const database = await createTestDatabase(inject("postgresUrl"));
  onTestFinished(() => database.drop());
  const store = createPostgresStore({ url: database.url });
  await store.start([]);
  onTestFinished(() => store.stop(budget()));
  const pool = createPool({ url: database.url });
  onTestFinished(() => pool.close(budget()));
  const connection = await connect({ url: database.url });
  onTestFinished(() => connection.close());
  return {
    sql: async (text: string) => (await connection.run([statement(text)]))[0]?.rows ?? [],
    sweepWith: (kept: RetentionDays) =>
      sweep(createRunner(pool, { announce: () => {}, leads: () => false }), checkedDays(kept)),
  };
}

test("runs that ended are let go of after their days with their steps, and messages that no run can take any more", async () => {
  const { sql, sweepWith } = await open();
  await sql(`INSERT INTO banyan.workflow (id, type, version, tenant, actor, permissions, input, input_hash, trace_id, metadata, started_at, heard_from, ended_at)
    SELECT 'run ' || i, 'orders.place', 1, 't', 'a', '[]', '{}', '', '', '{}', now() - interval '5 days', now() - interval '5 days',
      CASE i % 3 WHEN 0 THEN now() - interval '3 days' WHEN 1 THEN now() END FROM generate_series(0, 8999) AS i`);
  await sql(`INSERT INTO banyan.workflow_step (run, name, kind, digest, place, began_at, attempts)
    SELECT id, 'pay', 'run', '', 1, started_at, 0 FROM banyan.workflow`);
  await sql(`INSERT INTO banyan.workflow_message (id, topic, data, at)
    VALUES ('early', '', '', now() - interval '6 days'), ('late', '', '', now() - interval '4 days')`);
  const kept = () =>
    sql(`SELECT (SELECT count(*) FROM banyan.workflow) AS runs, (SELECT count(*) FROM banyan.workflow_step) AS steps,
      (SELECT string_agg(id, ' ' ORDER BY id) FROM banyan.workflow_message) AS messages`);
  await sweepWith({});
  expect(await kept()).toEqual([{ runs: 9_000, steps: 9_000, messages: "early late" }]);
  await sweepWith({ workflowDays: 2 });
  // A run that goes on began before the later message.
  expect(await kept()).toEqual([{ runs: 6_000, steps: 6_000, messages: "late" }]);
  await sql("UPDATE banyan.workflow SET ended_at = now() WHERE ended_at IS NULL");
  await sweepWith({ workflowDays: 2 });
  expect(await kept()).toEqual([{ runs: 6_000, steps: 6_000, messages: null }]);
});
