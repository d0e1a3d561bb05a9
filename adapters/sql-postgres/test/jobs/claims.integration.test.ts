import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { BEGIN, connect, ROLLBACK, type SqlConnection } from "../../src/connection.ts";
import { createPostgresStore, statement } from "../../src/index.ts";

const claim = statement("SELECT id FROM banyan.claim_jobs('{probe.job}', 100, 15000, 'me')");

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let connection: SqlConnection;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  const store = createPostgresStore({ url: database.url });
  await store.start([]);
  await store.stop({ remainingMs: () => 5_000, signal: new AbortController().signal });
  connection = await connect({ url: database.url });
  await insert("sleeping", { count: 20_000, dueInS: 86_400 });
});
afterAll(async () => {
  await connection.close();
  await database.drop();
});

async function insert(name: string, { count, dueInS }: { readonly count: number; readonly dueInS: number }) {
  const text = `INSERT INTO banyan.job (id, type, tenant, input, trace_id, metadata, delay_ms, due_at)
    SELECT $1 || n, 'probe.job', 't', '{}', '', '{}', 0, clock_timestamp() + $3 * interval '1 second' FROM generate_series(1, $2::int) n`;
  await connection.run([statement(text, [name, count, dueInS])]);
}

test("a claim does not read the jobs that sleep", async () => {
  const explain = statement(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${claim.text}`);
  // The first makes the plan, for which the catalogue is read.
  const results = await connection.run([BEGIN, claim, explain, ROLLBACK]);
  const [explained] = (results[2]?.rows[0]?.["QUERY PLAN"] ?? []) as { readonly Plan: Record<string, number> }[];
  const pages = (explained?.Plan["Shared Hit Blocks"] ?? 0) + (explained?.Plan["Shared Read Blocks"] ?? 0);
  const [size] = await connection.run([statement("SELECT pg_relation_size('banyan.job') / 8192 AS pages")]);
  expect(pages).toBeGreaterThan(0);
  expect(pages).toBeLessThan((size?.rows[0]?.pages as number) / 10);
});

test("a claim leaves the indexes as they are", async () => {
  await insert("due", { count: 100, dueInS: 0 });
  const counted = statement("SELECT pg_stat_get_xact_tuples_hot_updated('banyan.job'::regclass) AS hot");
  const [, claimed, hot] = await connection.run([BEGIN, claim, counted, ROLLBACK]);
  expect(claimed?.count).toBe(100);
  // Where a page is full a row has to move.
  expect(hot?.rows[0]?.hot).toBeGreaterThan(80);
});
