import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresLog, type PostgresLogOptions } from "../src/index.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const open = async (options: Partial<PostgresLogOptions> = {}) => {
  const log = createPostgresLog({ url: database.url, ...options });
  await log.open({ signal: AbortSignal.timeout(5_000) });
  return log;
};
const message = () => ({ id: randomUUID(), type: "shop.ordered", key: "acme/1", body: Uint8Array.of(1) });

test("what is no address, or no namespace, is refused without showing a password", () => {
  expect(() => createPostgresLog({ url: "mysql://ann:secret@host/shop" })).toThrow(
    '"mysql://***@host/shop" is no address',
  );
  for (const namespace of ["", "a.b", 'x"; DROP', "9a", "a".repeat(41)])
    expect(() => createPostgresLog({ url: database.url, namespace })).toThrow("is no namespace for a log");
});

test("a server that is not there is unavailable, within its time", async () => {
  const log = createPostgresLog({ url: "postgres://127.0.0.1:1/none", engine: { connectionTimeoutMillis: 500 } });
  await expect(log.open({ signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({ code: "log.unavailable" });
  await expect(log.append([message()])).rejects.toMatchObject({ code: "log.unavailable" });
  await log.close({ deadlineMs: 100 });
});

test("a schema that is somebody else's is told", async () => {
  await client.query("CREATE SCHEMA taken_log; CREATE TABLE taken_log.message (text text)");
  const log = createPostgresLog({ url: database.url, namespace: "taken" });
  await log.open({ signal: AbortSignal.timeout(5_000) }).then(
    () => expect(log.append([message()])).rejects.toMatchObject({ code: "log.misconfigured" }),
    (error) => expect(error).toMatchObject({ code: "log.misconfigured" }),
  );
  await log.close({ deadlineMs: 100 });
});

test("many open at once, and the pool is theirs to use", async () => {
  const logs = await Promise.all(Array.from({ length: 5 }, () => open({ namespace: "fresh" })));
  expect((await logs[0]?.unwrap().query("SELECT count(*)::int AS count FROM fresh_log.message"))?.rows).toEqual([
    { count: 0 },
  ]);
  await Promise.all(logs.map((log) => log.close({ deadlineMs: 1_000 })));
});

test("two namespaces of one database are two logs", async () => {
  const [one, other] = [await open({ namespace: "one" }), await open({ namespace: "other" })];
  await one.append([message()]);
  expect(await one.lag({ name: "stock", types: ["shop.ordered"] })).toBe(1);
  expect(await other.lag({ name: "stock", types: ["shop.ordered"] })).toBe(0);
  await Promise.all([one, other].map((log) => log.close({ deadlineMs: 1_000 })));
});

test("what every group is done with is gone after its time; what one still needs stays", async () => {
  const log = await open({ namespace: "pruned", keepMs: 0, pruneEveryMs: 50 });
  const left = async () => Number((await client.query("SELECT count(*) FROM pruned_log.message")).rows[0].count);
  const receiver = { received: () => {}, lost: () => {}, refused: () => {} };
  const consumer = await log.consume(
    { name: "stock", types: ["shop.ordered"], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
    { ...receiver, received: (messages) => consumer.acknowledge(messages.slice(0, 2)) },
  );
  await log.append([message(), message(), message()]);
  await expect.poll(left, { timeout: 5_000 }).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await left()).toBe(1);
  await log.close({ deadlineMs: 1_000 });
});

test("many consumers in one process leave room for appends, and their places move", async () => {
  const log = await open({ namespace: "many", engine: { connectionTimeoutMillis: 1_000 } });
  const names = Array.from({ length: 6 }, (_, index) => `group-${index}`);
  const heard = new Map<string, number>(names.map((name) => [name, 0]));
  for (const name of names) {
    const consumer = await log.consume(
      { name, types: ["shop.ordered"], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
      {
        received: (messages) => {
          heard.set(name, (heard.get(name) ?? 0) + messages.length);
          consumer.acknowledge(messages);
        },
        lost: () => {},
        refused: () => {},
      },
    );
  }
  await log.append([message(), message(), message()]);
  await expect.poll(() => [...heard.values()]).toEqual(names.map(() => 3));
  const lags = () => Promise.all(names.map((name) => log.lag({ name, types: ["shop.ordered"] })));
  await expect.poll(lags).toEqual(names.map(() => 0));
  await log.close({ deadlineMs: 1_000 });
});

test("long messages come in pages that fit into memory, to who consumes and to who reads again", async () => {
  const log = await open({ namespace: "long" });
  const body = new Uint8Array(1_000_000);
  const messages = Array.from({ length: 20 }, () => ({ ...message(), body }));
  await log.append(messages.slice(0, 10));
  await log.append(messages.slice(10));
  const read: number[] = [];
  const options = { types: ["shop.ordered"], since: 0, signal: AbortSignal.timeout(10_000) };
  for await (const page of log.read(options)) read.push(page.length);
  expect(read).toEqual([8, 8, 4]);
  const received: string[][] = [];
  await log.consume(
    { name: "stock", types: ["shop.ordered"], from: "earliest", inFlightMax: 100, inFlightBytesMax: 64_000_000 },
    { received: (page) => void received.push(page.map(({ id }) => id)), lost: () => {}, refused: () => {} },
  );
  await expect.poll(() => received.flat().length, { timeout: 10_000 }).toBe(20);
  expect(received.map(({ length }) => length)).toEqual([8, 8, 4]);
  expect(received.flat()).toEqual(messages.map(({ id }) => id));
  await log.close({ deadlineMs: 1_000 });
});
