import { storeConformance } from "@banyan/conformance/store";
import { Database, type DatabaseTransaction, defineTable, SqlError } from "../src/memory/database.ts";
import { type Dialect, dialectOf } from "../src/memory/dialect.ts";
import { createMemoryStore } from "../src/memory/store.ts";
import { commands } from "../src/memory/tables.ts";
import { directWire } from "./direct-wire.ts";

/* What the suite says in SQL, said in functions. */

const item = defineTable<number>("probe.item");
const sleepers = new WeakMap<Database, number>();

async function insert(transaction: DatabaseTransaction, id: unknown, n: unknown): Promise<object[]> {
  if (Number(n) < 0) throw new SqlError("n must not be negative", "23514", "item_n_positive");
  await transaction.insert(item, String(id), Number(n));
  return [];
}

async function upsert(transaction: DatabaseTransaction, id: unknown, n: unknown): Promise<object[]> {
  await transaction.update(item, String(id), (value = 0) => value + Number(n));
  return [];
}

async function change(transaction: DatabaseTransaction, id: unknown, by: (n: number) => number): Promise<object[]> {
  await transaction.update(item, String(id), (n) => (n === undefined ? undefined : by(n)));
  const n = transaction.get(item, String(id));
  return n === undefined ? [] : [{ n }];
}

async function sleep(transaction: DatabaseTransaction, ms: number): Promise<object[]> {
  const { database } = transaction;
  sleepers.set(database, (sleepers.get(database) ?? 0) + 1);
  try {
    await transaction.sleep(ms);
    return [];
  } finally {
    sleepers.set(database, (sleepers.get(database) ?? 0) - 1);
  }
}

const fixed = dialectOf({
  "SELECT 1": () => [],
  "INSERT INTO probe.item VALUES (?, ?)": (transaction, [id, n]) => insert(transaction, id, n),
  "INSERT INTO probe.item VALUES (?, 0)": (transaction, [id]) => insert(transaction, id, 0),
  "INSERT INTO probe.item VALUES (?, 1)": (transaction, [id]) => insert(transaction, id, 1),
  "INSERT INTO probe.item VALUES (?, 2)": (transaction, [id]) => insert(transaction, id, 2),
  "INSERT INTO probe.item VALUES (?, -1)": (transaction, [id]) => insert(transaction, id, -1),
  "INSERT INTO probe.item VALUES (?, 0), (?, 0)": async (transaction, ids) => {
    for (const id of ids) await insert(transaction, id, 0);
    return [];
  },
  "INSERT INTO probe.item VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET n = probe.item.n + excluded.n": (
    transaction,
    [id, n],
  ) => upsert(transaction, id, n),
  "INSERT INTO probe.item SELECT ?, 1 FROM pg_sleep(20)": async (transaction, [id]) => {
    await sleep(transaction, 20_000);
    return insert(transaction, id, 1);
  },
  "UPDATE probe.item SET n = n + 1 WHERE id = ?": (transaction, [id]) => change(transaction, id, (n) => n + 1),
  "UPDATE probe.item SET n = n + ?::int WHERE id = ?": (transaction, [by, id]) =>
    change(transaction, id, (n) => n + Number(by)),
  "UPDATE probe.item SET n = n * 10 WHERE id = ? RETURNING n": (transaction, [id]) =>
    change(transaction, id, (n) => n * 10),
  "UPDATE probe.item SET n = n + 5 WHERE id = ? RETURNING n": (transaction, [id]) =>
    change(transaction, id, (n) => n + 5),
  "UPDATE probe.item SET n = 1 WHERE id = ?": (transaction, [id]) => change(transaction, id, () => 1),
  "UPDATE probe.item SET n = 2 WHERE id = ?": (transaction, [id]) => change(transaction, id, () => 2),
  "DELETE FROM probe.item WHERE id = ?": async (transaction, [id]) => {
    await transaction.update(item, String(id), () => undefined);
    return [];
  },
  "SELECT n FROM probe.item WHERE id = ?": (transaction, [id]) => {
    const n = transaction.get(item, String(id));
    return n === undefined ? [] : [{ n }];
  },
  "SELECT pg_sleep(20)": (transaction) => sleep(transaction, 20_000),
  "SELECT pg_sleep(0.002)": (transaction) => sleep(transaction, 2),
  "LOCK TABLE probe.item IN ROW SHARE MODE": () => [],
  "INSERT INTO banyan.command (id, body_hash, tenant, actor, action, trace_id, result) VALUES (?, '', '', '', '', '', '{}')":
    async (transaction, [id]) => {
      const text = { tenant: "", actor: "", action: "", traceId: "", outcome: { result: "{}" } };
      const bytes = id as Uint8Array;
      await transaction.insert(commands, Buffer.from(bytes).toString("hex"), {
        id: bytes,
        bodyHash: new Uint8Array(),
        ...text,
      });
      return [];
    },
});

const dialect: Dialect = (text) => {
  const [, id] = /^INSERT INTO probe\.item VALUES \('([^']+)', 1\)$/.exec(text) ?? [];
  if (id !== undefined) return (transaction) => insert(transaction, id, 1);
  if (text.startsWith("SELECT count(*) AS running FROM pg_stat_activity"))
    return ({ database }) => [{ running: sleepers.get(database) ?? 0 }];
  return fixed(text);
};

storeConformance("memory", async () => {
  const database = new Database(() => performance.timeOrigin + performance.now());
  return { createStore: () => createMemoryStore({ database, wire: directWire, dialect }), close: async () => {} };
});
