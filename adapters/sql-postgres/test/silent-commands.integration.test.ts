import type { Budget, CommandRecord, NewEvent, Store } from "@banyan/kernel/store";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../src/index.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let store: Store;
let connection: Awaited<ReturnType<typeof connect>>;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  store = createPostgresStore({ url: database.url });
  await store.start([]);
  connection = await connect({ url: database.url });
});
afterAll(async () => {
  await connection.close();
  await store.stop(budget());
  await database.drop();
});

function budget(ms = 10_000): Budget {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal: new AbortController().signal };
}

let made = 0;
function newEvent(key: string): NewEvent {
  const id = `00000000-0000-7000-8000-${String(++made).padStart(12, "0")}`;
  return { id, type: "test.said", tenant: "t", key, data: `{"n":${made}}`, traceId: "0".repeat(32), metadata: {} };
}

function record(id: Uint8Array, tenant = "t"): CommandRecord {
  const outcome = { result: `"${made}"` };
  return { id, bodyHash: id, tenant, actor: "ann", action: "test.say", traceId: "0".repeat(32), outcome };
}

function idOf(n: number): Uint8Array {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(n);
  return id;
}

/** A command that says one event, and has the key of its number. */
function say(n: number, { key = `key ${n % 7}`, tenant = "t", within = budget() } = {}) {
  const id = idOf(n);
  const event = newEvent(key);
  const commands = [record(id, tenant)];
  return store
    .beginCommands([{ id, bodyHash: id }], within)
    .commit({ events: [event], jobs: [], commands })
    .then(({ events }) => ({ event, stored: events[0] }));
}

test("commands that send no statement share transactions while others are under way, and each gets its own events", async () => {
  const said = await Promise.all(Array.from({ length: 300 }, (_, n) => say(n)));
  for (const { event, stored } of said) expect(stored).toMatchObject(event);
  const [events, commands] = await connection.run([
    statement("SELECT key, version, xmin::text FROM banyan.event ORDER BY seq"),
    statement("SELECT count(*) AS n FROM banyan.command"),
  ]);
  const rows = events?.rows ?? [];
  expect(new Set(rows.map(({ xmin }) => xmin)).size).toBeLessThan(30);
  expect(commands?.rows).toEqual([{ n: 300 }]);
  for (const [, ofKey] of Map.groupBy(rows, ({ key }) => key)) {
    expect(ofKey.map(({ version }) => version)).toEqual(ofKey.map((_, at) => at + 1));
  }
});

test("of commands that share a transaction each has its own outcome: a record, a refusal, no time left, success", async () => {
  await say(1_000);
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 20 }, (_, n) => say(1_001 + n, { key: "mixed" })),
    say(1_000, { key: "mixed" }),
    say(1_030, { key: "mixed", within: budget(0) }),
    say(1_031, { key: "mixed", tenant: "a NUL \0 that no text may hold" }),
    say(1_001, { key: "mixed" }),
  ]);
  const [recorded, late, refused, twin] = outcomes.slice(20);
  expect(recorded).toMatchObject({ reason: { name: "AlreadyRecorded", records: [{ action: "test.say" }] } });
  expect(late).toMatchObject({ reason: { code: "store.deadline" } });
  expect(refused).toMatchObject({ reason: { code: "22021" } });
  expect(outcomes.slice(1, 20).every(({ status }) => status === "fulfilled")).toBe(true);
  expect([outcomes[0]?.status, twin?.status].sort()).toEqual(["fulfilled", "rejected"]);
  const [events] = await connection.run([
    statement("SELECT version FROM banyan.event WHERE key = 'mixed' ORDER BY seq"),
  ]);
  expect(events?.rows.map(({ version }) => version)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
});
