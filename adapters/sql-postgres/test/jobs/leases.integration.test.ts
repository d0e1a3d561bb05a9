import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, type SqlConnection } from "../../src/connection.ts";
import { createPostgresStore, statement } from "../../src/index.ts";

const lease = "SELECT id FROM banyan.lease_jobs('{due1,due2}', 15000, 'me')";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let connection: SqlConnection;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  const store = createPostgresStore({ url: database.url });
  await store.start([]);
  await store.stop({ remainingMs: () => 5_000, signal: new AbortController().signal });
  connection = await connect({ url: database.url });
});
afterAll(async () => {
  await connection.close();
  await database.drop();
});

test("a lease does not read the whole queue, though its plan was made while that was empty", async () => {
  await connection.run([statement("VACUUM ANALYZE banyan.job")]);
  await connection.run([statement(lease)]);
  const fill = `INSERT INTO banyan.job (id, type, tenant, input, trace_id, metadata, delay_ms, due_at)
    SELECT 'due' || n, 'probe.job', 't', '{}', '', '{}', 0, clock_timestamp() FROM generate_series(1, 20000) n`;
  await connection.run([statement(fill)]);
  const [explain] = await connection.run([statement(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${lease}`)]);
  const [explained] = (explain?.rows[0]?.["QUERY PLAN"] ?? []) as { readonly Plan: Record<string, number> }[];
  const pages = (explained?.Plan["Shared Hit Blocks"] ?? 0) + (explained?.Plan["Shared Read Blocks"] ?? 0);
  const [size] = await connection.run([statement("SELECT pg_relation_size('banyan.job') / 8192 AS pages")]);
  expect(explained?.Plan["Actual Rows"]).toBe(2);
  expect(pages).toBeLessThan((size?.rows[0]?.pages as number) / 10);
});
