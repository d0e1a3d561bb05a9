import { createServer, type Server, type Socket } from "node:net";
import type { Budget } from "@banyan/kernel/store";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { BEGIN, connect } from "../src/connection.ts";
import { createPool } from "../src/pool.ts";
import { sql } from "../src/statement.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ReturnType<typeof createPool>;

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
});
afterEach(() => pool.close(budget(1_000)));
afterAll(() => database.drop());

function budget(ms: number, signal = new AbortController().signal): Budget {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal };
}

test("it opens no more connections than it may, and serves waiters in order", async () => {
  pool = createPool({ url: database.url, connectionsMax: 2 });
  const first = await pool.acquire(budget(5_000));
  const second = await pool.acquire(budget(5_000));
  const served: number[] = [];
  const waiting = [1, 2, 3].map(async (n) => {
    const connection = await pool.acquire(budget(5_000));
    served.push(n);
    pool.release(connection);
  });
  expect(pool.state).toEqual({ open: 2, idle: 0, waiting: 3 });
  pool.release(first);
  await Promise.all(waiting);
  expect(served).toEqual([1, 2, 3]);
  pool.release(second);
  expect(pool.state).toEqual({ open: 2, idle: 2, waiting: 0 });
});

test("a full queue refuses at once, a spent budget and an abort later, and neither keeps a place", async () => {
  pool = createPool({ url: database.url, connectionsMax: 1, waitersMax: 2 });
  const held = await pool.acquire(budget(5_000));
  const abort = new AbortController();
  const spent = expect(pool.acquire(budget(20))).rejects.toMatchObject({ code: "store.deadline" });
  const aborted = expect(pool.acquire(budget(5_000, abort.signal))).rejects.toMatchObject({ code: "store.deadline" });
  expect(() => pool.acquire(budget(5_000))).toThrow(expect.objectContaining({ code: "store.overloaded" }));
  abort.abort();
  await Promise.all([spent, aborted]);
  expect(pool.state.waiting).toBe(0);
  pool.release(held);
});

test("a connection left in a transaction is rolled back before its next use", async () => {
  pool = createPool({ url: database.url, connectionsMax: 1 });
  const connection = await pool.acquire(budget(5_000));
  await connection.run([BEGIN, sql`CREATE TABLE left_over (id int)`]);
  pool.release(connection);
  const next = await pool.acquire(budget(5_000));
  expect(next.inTransaction).toBe(false);
  expect((await next.run([sql`SELECT to_regclass('left_over') AS found`]))[0]?.rows[0]?.found).toBeNull();
  pool.release(next);
});

test("broken connections are replaced", async () => {
  pool = createPool({ url: database.url, connectionsMax: 2 });
  const lent = await pool.acquire(budget(5_000));
  const idle = await pool.acquire(budget(5_000));
  pool.release(idle);
  const admin = await connect({ url: database.url });
  await admin.run([
    sql`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  ]);
  await admin.close();
  await expect(lent.run([sql`SELECT 1`])).rejects.toMatchObject({ code: /^store\.(unavailable|uncertain)$/ });
  pool.release(lent);
  const fresh = await pool.acquire(budget(5_000));
  expect((await fresh.run([sql`SELECT 1 AS one`]))[0]?.rows).toEqual([{ one: 1 }]);
  pool.release(fresh);
});

test("a caller waits with patience for a server that restarts, then learns that it is unavailable", async () => {
  const refusing: Server = createServer((socket) => socket.destroy());
  const port = await new Promise<number>((resolve) => {
    refusing.listen(0, "127.0.0.1", () => resolve((refusing.address() as { port: number }).port));
  });
  pool = createPool({ url: `postgres://nobody:hunter2@127.0.0.1:${port}/none`, patienceMs: 100 });
  const failed = await Promise.resolve(pool.acquire(budget(5_000))).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "store.unavailable", retry: "yes" });
  expect(JSON.stringify(failed) + String((failed as Error).cause)).not.toContain("hunter2");
  // One who has less time than patience is not told that the server was slow, and to stay away.
  const hasty = await Promise.resolve(pool.acquire(budget(50))).catch((error: unknown) => error);
  expect(hasty).toMatchObject({ code: "store.unavailable", retry: "yes" });
  refusing.close();
});

test("a server that accepts and says nothing is given up in time", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket));
  const port = await new Promise<number>((resolve) => {
    silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { port: number }).port));
  });
  const url = `postgres://ann@127.0.0.1:${port}/none`;
  await expect(connect({ url, connectTimeoutMs: 50 })).rejects.toThrow("did not answer in time");
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("a missing database is reported at once", async () => {
  pool = createPool({ url: database.url.replace(/test_\w+/, "no_such_database"), patienceMs: 60_000 });
  await expect(pool.acquire(budget(60_000))).rejects.toMatchObject({
    code: "store.unavailable",
    cause: { code: "3D000" },
  });
});

test("closing waits for lent connections until its budget is spent, and refuses new callers", async () => {
  pool = createPool({ url: database.url });
  const lent = await pool.acquire(budget(5_000));
  const closed = pool.close(budget(5_000));
  expect(() => pool.acquire(budget(5_000))).toThrow(expect.objectContaining({ code: "store.unavailable" }));
  expect((await lent.run([sql`SELECT 1 AS one`]))[0]?.rows).toEqual([{ one: 1 }]);
  pool.release(lent);
  await closed;
  expect(pool.state).toEqual({ open: 0, idle: 0, waiting: 0 });
});
