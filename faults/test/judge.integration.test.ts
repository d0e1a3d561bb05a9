import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../tools/test-postgres.ts";
import type { Entry } from "../src/history.ts";
import { isClean, judge, type Verdict } from "../src/judge.ts";

const schema = readFileSync(new URL("../src/subject/sql/000001-register.sql", import.meta.url), "utf8");
const ids = Array.from({ length: 6 }, () => randomUUID());

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: Client;

/** Six operations on two counters, each with its effect. */
beforeEach(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(schema);
  await client.query("INSERT INTO register.counter VALUES ('a', 3), ('b', 3)");
  for (const [index, id] of ids.entries()) {
    const counter = index < 3 ? "a" : "b";
    await client.query("INSERT INTO register.operation VALUES ($1, $2, 1)", [id, counter]);
    await client.query("INSERT INTO register.effect (id, counter, amount, version) VALUES ($1, $2, 1, $3)", [
      id,
      counter,
      (index % 3) + 1,
    ]);
  }
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const history: Entry[] = ids.flatMap((id) => [
  { op: "invoked", id },
  { op: "ok", id },
]);
const clean: Verdict = { messages: 6, lost: 0, duplicated: 0, phantom: 0, reordered: 0, overlapping: 0, unbalanced: 0 };
const none = { disordered: "poisoned", clockSpans: [] };
const verdict = (entries = history) => judge(client, entries, none);

test("what is whole is clean", async () => {
  expect(await verdict()).toEqual(clean);
  expect(isClean(clean)).toBe(true);
});

test("what was never acknowledged may be there or not", async () => {
  await client.query("DELETE FROM register.effect WHERE id = $1", [ids[5]]);
  expect(await verdict(history.slice(0, -1))).toEqual(clean);
});

test.for([
  ["an effect is missing", "DELETE FROM register.effect WHERE id = $1", { lost: 1 }],
  [
    "state and effect are missing",
    "WITH gone AS (DELETE FROM register.operation WHERE id = $1) DELETE FROM register.effect WHERE id = $1",
    { lost: 1, unbalanced: 1 },
  ],
  [
    "an effect came twice",
    "INSERT INTO register.effect (id, counter, amount, version) SELECT id, counter, amount, 9 FROM register.effect WHERE id = $1",
    { duplicated: 1 },
  ],
  ["an effect has no state", "DELETE FROM register.operation WHERE id = $1", { lost: 1, phantom: 1, unbalanced: 1 }],
  ["an effect came late", "UPDATE register.effect SET version = 7 WHERE id = $1", { reordered: 2 }],
  ["a sum is wrong", "UPDATE register.operation SET amount = 2 WHERE id = $1", { unbalanced: 1 }],
] as const)("it is seen that %s", async ([, sql, broken]) => {
  await client.query(sql, [ids[0]]);
  const seen = await verdict();
  expect(seen).toEqual({ ...clean, ...broken });
  expect(isClean(seen)).toBe(false);
});

test("it is seen that nobody asked for an operation", async () => {
  expect(await verdict(history.slice(2))).toEqual({ ...clean, messages: 5, phantom: 1 });
});

test("what was given up and redriven has no order", async () => {
  await client.query("UPDATE register.effect SET version = 7 WHERE id = $1", [ids[0]]);
  expect(await judge(client, history, { ...none, disordered: "a" })).toEqual(clean);
});

const settled = (id: string | undefined) => client.query("INSERT INTO register.settled (id) VALUES ($1)", [id]);

test("it is seen that a job's effect is missing, or came twice", async () => {
  await client.query("UPDATE register.operation SET amount = 9 WHERE id = $1", [ids[0]]);
  await client.query("UPDATE register.counter SET value = 11 WHERE name = 'a'");
  expect(await verdict()).toEqual({ ...clean, lost: 1 });
  await settled(ids[0]);
  expect(await verdict()).toEqual(clean);
  await settled(ids[0]);
  expect(await verdict()).toEqual({ ...clean, duplicated: 1 });
});

test("it is seen that two runs of a job overlap while a clock is wrong; what follows an end does not", async () => {
  const run = (minute: number, endMinute: number) =>
    client.query("INSERT INTO register.run (id, began_at, ended_at) VALUES ($1, $2, $3)", [
      ids[0],
      at(minute),
      at(endMinute),
    ]);
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
  const clockSpans = [{ from: at(0), to: at(10) }];
  await run(1, 3);
  await run(4, 6);
  expect(await judge(client, history, { ...none, clockSpans })).toEqual(clean);
  await run(5, 7);
  expect(await judge(client, history, { ...none, clockSpans })).toEqual({ ...clean, overlapping: 1 });
  expect(await verdict()).toEqual(clean);
});
