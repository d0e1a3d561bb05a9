import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { BEGIN, COMMIT, connect, ROLLBACK } from "../src/connection.ts";
import { SqlError } from "../src/failure.ts";
import { sql, statement } from "../src/statement.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let connection: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  connection = await connect({ url: database.url });
});
afterAll(async () => {
  await connection.close();
  await database.drop();
});
beforeEach(async () => {
  if (connection.inTransaction) await connection.run([ROLLBACK]);
  await connection.run([
    statement("DROP TABLE IF EXISTS item"),
    statement("CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL)"),
  ]);
});

const count = async () => (await connection.run([sql`SELECT count(*) AS n FROM item`]))[0]?.rows[0]?.n;

test("results come per statement, in order", async () => {
  const results = await connection.run([
    BEGIN,
    sql`INSERT INTO item VALUES (${1}, ${"a"}), (${2}, ${"b"})`,
    sql`SELECT id, name FROM item ORDER BY id`,
    sql`UPDATE item SET name = 'c' WHERE id = ${1} RETURNING name`,
    COMMIT,
  ]);
  expect(results.map((result) => result.count)).toEqual([0, 2, 2, 1, 0]);
  expect(results[2]?.rows).toEqual([
    { id: 1, name: "a" },
    { id: 2, name: "b" },
  ]);
  expect(results[3]?.rows).toEqual([{ name: "c" }]);
  expect(connection.inTransaction).toBe(false);
});

test("the same statement twice in its first batch is prepared once and answers twice", async () => {
  const results = await connection.run([1, 2].map((n) => sql`SELECT ${n}::int + 100 AS sum`));
  expect(results.map((result) => result.rows[0])).toEqual([{ sum: 101 }, { sum: 102 }]);
});

test("values arrive as the types that they have", async () => {
  const [result] = await connection.run([
    sql`SELECT ${2 ** 53 - 1}::bigint AS big, ${[1, 2]}::bigint[] AS bigs, ${{ a: [1, "x"] }}::jsonb AS json,
      ${new Date(86_400_123)}::timestamptz AS instant, '2026-11-21'::date AS day, ${Buffer.from([0, 255])}::bytea AS bytes,
      ${["a", 'b"\\,', null]}::text[] AS texts, ${true} AS yes, 1.5::float8 AS ratio, 1.50::numeric AS exact, NULL::int AS nothing,
      ARRAY['\\x00ff'::bytea] AS many_bytes, '1969-12-31 23:59:59.999+00'::timestamptz AS before`,
  ]);
  expect(result?.rows).toEqual([
    {
      big: 2 ** 53 - 1,
      bigs: [1, 2],
      json: { a: [1, "x"] },
      instant: new Date(86_400_123),
      day: "2026-11-21",
      bytes: Buffer.from([0, 255]),
      texts: ["a", 'b"\\,', null],
      yes: "true",
      ratio: 1.5,
      exact: "1.50",
      nothing: null,
      many_bytes: [Buffer.from([0, 255])],
      before: new Date(-1),
    },
  ]);
});

test("a bigint that a number cannot hold is an error, not another number", async () => {
  await expect(connection.run([sql`SELECT 9007199254740993::bigint AS n`])).rejects.toThrow(
    /"n".*9007199254740993.*::text/,
  );
  expect(await count()).toBe(0);
});

test("a value that cannot be sent is refused before anything is written", async () => {
  await expect(connection.run([sql`INSERT INTO item VALUES (${1}, ${"a"})`, sql`SELECT ${undefined}`])).rejects.toThrow(
    /\$1.*pass null/,
  );
  expect(await count()).toBe(0);
});

test("an error names its SQLSTATE, constraint and statement, quotes no values, and undoes the batch", async () => {
  const text = "INSERT INTO item VALUES ($1, $2)";
  const failed = await connection
    .run([statement(text, [1, "secret"]), statement(text, [1, "secret"]), statement(text, [2, "b"])])
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(SqlError);
  expect(failed).toMatchObject({ code: "23505", constraint: "item_pkey", table: "item", statement: text });
  expect(JSON.stringify(failed) + String(failed)).not.toContain("secret");
  expect(await count()).toBe(0);
});

test("the results before a failure are handed out by send", async () => {
  const { results, failure } = await connection.send([BEGIN, sql`SELECT 1 AS one`, sql`SELECT 1 / 0`, sql`SELECT 2`]);
  expect(results[1]?.rows).toEqual([{ one: 1 }]);
  expect(results).toHaveLength(2);
  expect(failure).toMatchObject({ code: "22012" });
  expect(connection.inTransaction).toBe(true);
});

test("a failed batch has skipped its COMMIT and leaves the transaction to be rolled back", async () => {
  await expect(
    connection.run([BEGIN, sql`INSERT INTO item VALUES (1, 'a')`, sql`SELECT 1 / 0`, COMMIT]),
  ).rejects.toMatchObject({ code: "22012" });
  expect(connection.inTransaction).toBe(true);
  await connection.run([ROLLBACK]);
  expect(await count()).toBe(0);
});

test("a COMMIT that rolled back is a failure", async () => {
  await connection.send([BEGIN, sql`SELECT 1 / 0`]);
  await expect(connection.run([COMMIT])).rejects.toMatchObject({ code: "25P02" });
  expect(connection.inTransaction).toBe(false);
});

test("statements before one Sync are one transaction without BEGIN", async () => {
  await expect(connection.run([sql`INSERT INTO item VALUES (7, 'a')`, sql`SELECT 1 / 0`])).rejects.toThrow();
  expect(await count()).toBe(0);
});

test("batches up to a Sync are one transaction without BEGIN", async () => {
  const other = await connect({ url: database.url });
  const [inserted] = (await connection.send([sql`INSERT INTO item VALUES (1, 'a') RETURNING id`], "flush")).results;
  expect(inserted?.rows).toEqual([{ id: 1 }]);
  expect(connection.inTransaction).toBe(true);
  await connection.send([sql`INSERT INTO item VALUES (2, 'b')`], "flush");
  expect((await other.run([sql`SELECT count(*) AS n FROM item`]))[0]?.rows).toEqual([{ n: 0 }]);
  expect(await connection.send([], "sync")).toEqual({ results: [], failure: undefined });
  expect(connection.inTransaction).toBe(false);
  expect((await other.run([sql`SELECT count(*) AS n FROM item`]))[0]?.rows).toEqual([{ n: 2 }]);
  await other.close();
});

test("a failure between two Syncs undoes what came before it, and a new transaction can begin", async () => {
  await connection.send([sql`INSERT INTO item VALUES (1, 'a')`], "flush");
  const { results, failure } = await connection.send([sql`SELECT 1 AS one`, sql`SELECT 1 / 0`, sql`SELECT 2`], "flush");
  expect([results.length, failure]).toEqual([1, expect.objectContaining({ code: "22012" })]);
  expect(connection.inTransaction).toBe(false);
  expect(await count()).toBe(0);
});

test("what failed only at the commit is a failure, and is undone", async () => {
  await connection.run([
    statement("ALTER TABLE item ADD CONSTRAINT one_name UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"),
  ]);
  await connection.send([sql`INSERT INTO item VALUES (1, 'a'), (2, 'a')`], "flush");
  await expect(connection.run([sql`SELECT 1`])).rejects.toMatchObject({ code: "23505", constraint: "one_name" });
  expect(await count()).toBe(0);
});

test("an open transaction is undone, in a block or not", async () => {
  for (const begin of [[], [BEGIN]]) {
    await connection.send([...begin, sql`INSERT INTO item VALUES (1, 'a')`], "flush");
    const { failure } = await connection.send(connection.undoing);
    expect([failure, connection.undoing]).toEqual([undefined, []]);
    expect(await count()).toBe(0);
  }
});

test("a statement whose syntax was wrong does not spoil the next batch", async () => {
  await expect(connection.run([sql`SELECT 5 AS n`, sql`SELEC`, sql`SELECT 6 AS n`])).rejects.toMatchObject({
    code: "42601",
  });
  const results = await connection.run([sql`SELECT 5 AS n`, sql`SELECT 6 AS n`]);
  expect(results.map((result) => result.rows[0]?.n)).toEqual([5, 6]);
});

test("statements survive DDL that changes their columns, and DISCARD ALL", async () => {
  const all = () => connection.run([sql`SELECT * FROM item`]);
  await connection.run([sql`INSERT INTO item VALUES (1, 'a')`]);
  expect((await all())[0]?.rows).toEqual([{ id: 1, name: "a" }]);
  await connection.run([statement("ALTER TABLE item ADD COLUMN size int DEFAULT 3")]);
  expect((await all())[0]?.rows).toEqual([{ id: 1, name: "a", size: 3 }]);
  await connection.runScript("DISCARD ALL");
  expect((await all())[0]?.rows).toEqual([{ id: 1, name: "a", size: 3 }]);
});

test("a stale statement inside a transaction costs the transaction, and is worth another try", async () => {
  const all = sql`SELECT * FROM item`;
  await connection.run([all]);
  await connection.run([statement("ALTER TABLE item ADD COLUMN size int")]);
  await connection.run([BEGIN]);
  await expect(connection.run([all])).rejects.toMatchObject({ code: "store.contended" });
  await connection.run([ROLLBACK]);
  await connection.run([BEGIN, all, COMMIT]);
});

test("a stale statement in a batch of its own transaction is sent again once", async () => {
  const all = sql`SELECT * FROM item`;
  await connection.run([all]);
  await connection.run([statement("ALTER TABLE item ADD COLUMN size int")]);
  const results = await connection.run([BEGIN, sql`INSERT INTO item VALUES (1, 'a', 2)`, all, COMMIT]);
  expect(results[2]?.rows).toEqual([{ id: 1, name: "a", size: 2 }]);
  expect(await count()).toBe(1);
});

test("more distinct statements than a connection keeps still work", async () => {
  for (let start = 0; start < 1_200; start += 100) {
    const numbers = Array.from({ length: 100 }, (_, index) => start + index);
    const results = await connection.run(numbers.map((n) => statement(`SELECT ${n} AS n`)));
    expect(results.map((result) => result.rows[0]?.n)).toEqual(numbers);
  }
  expect(
    (await connection.run([sql`SELECT count(*) AS n FROM pg_prepared_statements`]))[0]?.rows[0]?.n,
  ).toBeLessThanOrEqual(500);
});

test.each(["sync", "flush"] as const)("COPY is refused by %s, and the connection lives on", async (end) => {
  const { failure } = await connection.send([sql`COPY item FROM STDIN`], end);
  expect(failure).toMatchObject({ code: "0A000", message: expect.stringContaining("COPY") });
  expect(await count()).toBe(0);
});

test("a cancelled statement is a deadline fault", async () => {
  const slow = expect(connection.run([sql`SELECT pg_sleep(20)`])).rejects.toMatchObject({ code: "store.deadline" });
  await connection.cancel();
  await slow;
  expect(await count()).toBe(0);
});

test("a session that may only read says so", async () => {
  const reader = await connect({ url: database.url, readOnly: true });
  await expect(reader.run([sql`INSERT INTO item VALUES (1, 'a')`])).rejects.toMatchObject({ code: "25006" });
  await reader.close();
});

test("a connection that the server ends: unavailable before COMMIT was sent, uncertain after", async () => {
  for (const [batch, code, end] of [
    [[BEGIN, sql`SELECT pg_sleep(20)`], "store.unavailable"],
    [[BEGIN, sql`SELECT pg_sleep(20)`, COMMIT], "store.uncertain"],
    [[sql`SELECT pg_sleep(20)`], "store.uncertain"],
    [[sql`SELECT pg_sleep(20)`], "store.unavailable", "flush"],
  ] as const) {
    const { promise: lost, resolve } = Promise.withResolvers<unknown>();
    const doomed = await connect({ url: database.url, name: "doomed" }, { onLost: resolve });
    const failed = expect(doomed.send(batch, end)).resolves.toMatchObject({ failure: { code } });
    const kill = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed' AND query LIKE '%pg_sleep%'`;
    while ((await connection.run([kill]))[0]?.count === 0);
    await failed;
    await lost;
    expect(doomed.broken).toBe(true);
    await expect(doomed.run([sql`SELECT 1`])).rejects.toMatchObject({ code: /store\./ });
    await doomed.close();
  }
});

test("no error of connecting shows the password", async () => {
  const url = database.url.replace("postgres://banyan", "postgres://nobody:hunter2");
  const failed = await connect({ url }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(Error);
  expect(JSON.stringify(failed) + String((failed as Error).stack)).not.toContain("hunter2");
});
