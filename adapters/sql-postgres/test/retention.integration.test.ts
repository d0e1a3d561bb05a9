import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { NewEvent, OutboxEvent, Store, StoredEvent } from "@banyan/kernel/store";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../src/index.ts";
import { migrate } from "../src/migrate.ts";
import { createPool, type Pool } from "../src/pool.ts";
import { createRunner } from "../src/store/runner.ts";
import { checkedDays, type RetentionDays, sweep } from "../src/store/sweep.ts";

const DAY_MS = 86_400_000;
const service = { name: "probe", migrations: undefined, hears: ["probe.happened"] };
const hearing = { service: "probe", types: service.hears };
const nothing = { events: [], jobs: [], commands: [] };

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let store: Store;
let pool: Pool;

beforeEach(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  store = createPostgresStore({ url: database.url });
  await store.start([service]);
  pool = createPool({ url: database.url });
});
afterEach(async () => {
  await Promise.all([store.stop(budget()), pool.close(budget())]);
  await database.drop();
});

const budget = (ms = 10_000) => {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal: new AbortController().signal };
};

/** As if so many days had passed. */
const sweepIn = (days: number, kept: RetentionDays = {}) =>
  sweep(createRunner(pool, { announce: () => {}, leads: () => false }), checkedDays(kept), {
    now: Date.now() + days * DAY_MS,
  });

async function rows(text: string): Promise<Record<string, unknown>[]> {
  const connection = await connect({ url: database.url });
  try {
    return (await connection.run([statement(text)]))[0]?.rows ?? [];
  } finally {
    await connection.close();
  }
}

/** Its id tells that it was made so many days from now. */
function newEvent(inDays = 0, key = "k"): NewEvent {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now() + inDays * DAY_MS, 0, 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const id = bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { id, type: "probe.happened", tenant: "t", key, data: "{}", traceId: "", metadata: { from: "test" } };
}

async function commit(...events: NewEvent[]): Promise<readonly OutboxEvent[]> {
  return (await store.beginCommands([], budget()).commit({ ...nothing, events })).events;
}

const sent = (...events: readonly OutboxEvent[]) =>
  store.outbox.markSent(
    "probe",
    events.map(({ seq }) => seq),
  );

async function handle(subscriber: string, event: NewEvent): Promise<boolean> {
  const delivery = store.beginDelivery(subscriber, [event.id], budget());
  const isNew = (await delivery.open()).size > 0;
  await delivery.commit(nothing);
  return isNew;
}

const partitions = async (parent: string) =>
  (await rows(`SELECT name FROM banyan.partition WHERE parent = '${parent}' ORDER BY lower`)).map(({ name }) => name);

test("partitions are made ahead, without a gap: days for the inbox, months for events that are kept for ever", async () => {
  await sweepIn(0);
  const days = await partitions("inbox");
  expect(days.length).toBeGreaterThanOrEqual(8);
  await sweepIn(0);
  expect(await partitions("inbox")).toEqual(days);
  expect((await partitions("event")).length).toBeLessThanOrEqual(2);
  const gaps = await rows(`SELECT name FROM banyan.partition p WHERE lower <> '00000000-0000-0000-0000-000000000000'
    AND NOT EXISTS (SELECT FROM banyan.partition q WHERE q.parent = p.parent AND q.upper = p.lower)`);
  expect(gaps).toEqual([]);
  await sweepIn(0, { eventDays: 30 });
  expect((await partitions("event")).length).toBeLessThanOrEqual(9);
  const [event] = await commit(newEvent());
  await handle("one", event as StoredEvent);
  expect(await rows("SELECT id FROM banyan.event_rest UNION ALL SELECT event FROM banyan.inbox_rest")).toEqual([]);
});

test("the inbox forgets whole days after the horizon, and nothing older can be sent again from then on", async () => {
  const [event] = (await commit(newEvent())) as [OutboxEvent];
  await sent(event);
  await handle("one", event);
  await sweepIn(6);
  expect(await handle("one", event)).toBe(false);
  await sweepIn(9);
  expect(await rows("SELECT event FROM banyan.inbox")).toEqual([]);
  await expect(store.retention.republish(event.at)).rejects.toMatchObject({ code: "store.forgotten" });
  expect(await store.outbox.unsent(hearing, { count: 10, bytes: 10_000 }, [])).toEqual([]);
  expect(await rows("SELECT id FROM banyan.event")).toEqual([{ id: event.id }]);
});

test("S4 events are dropped after their days, and the versions of their key go on", async () => {
  const [first] = (await commit(newEvent())) as [OutboxEvent];
  await sent(first);
  await sweepIn(0, { eventDays: 7 });
  await sweepIn(70, { eventDays: 7 });
  expect(await rows("SELECT id FROM banyan.event")).toEqual([]);
  expect((await commit(newEvent(70))).map(({ version }) => version)).toEqual([2]);
  expect((await store.retention.standing()).droppedUntil).toBe(first.at);
});

test("an event that is unsent is never dropped, nor what was handled of its day", async () => {
  const [waiting, done] = (await commit(newEvent(), newEvent())) as [OutboxEvent, OutboxEvent];
  await sent(done);
  await handle("one", done);
  await sweepIn(70, { eventDays: 7 });
  expect(await store.outbox.unsent(hearing, { count: 10, bytes: 10_000 }, [])).toEqual([waiting]);
  expect(await handle("one", done)).toBe(false);
  await sent(waiting);
  await sweepIn(70, { eventDays: 7 });
  expect(await rows("SELECT id FROM banyan.event")).toEqual([]);
});

test("a dead letter outlives its event, and can be redriven", async () => {
  const [event] = (await commit(newEvent())) as [OutboxEvent];
  await sent(event);
  await store.deadLetters.bury("one", event, 8, "broke");
  await sweepIn(70, { eventDays: 7 });
  expect(await rows("SELECT id FROM banyan.event")).toEqual([]);
  const [letter] = await store.deadLetters.list({ limit: 10 });
  const { seq: _, ...stored } = event as OutboxEvent;
  expect(letter?.event).toEqual(stored);
  const redrive = await store.deadLetters.beginRedrive(letter?.id as string, budget());
  expect(redrive?.letter.event).toEqual(stored);
  await redrive?.transaction.commit(nothing);
  expect(await store.deadLetters.list({ limit: 10 })).toEqual([]);
});

test("a projection is folded anew past the inbox's horizon, and refused once events of its types are dropped", async () => {
  const events = await commit(newEvent(), newEvent());
  await sent(...events);
  for (const event of events) await handle("one", event);
  await sweepIn(70);
  const folded: StoredEvent[] = [];
  const work = {
    reset: async () => folded.splice(0),
    fold: async (_: unknown, page: readonly StoredEvent[]) => void folded.push(...page),
  };
  expect(await store.outbox.refold("one", hearing.types, work)).toEqual({ foldedCount: 2 });
  expect(folded).toEqual(events.map(({ seq: _, ...event }) => event));
  expect(await rows("SELECT event FROM banyan.inbox")).toEqual([]);
  await sweepIn(70, { eventDays: 7 });
  await expect(store.outbox.refold("one", hearing.types, work)).rejects.toMatchObject({
    code: "store.forgotten",
    message: expect.stringContaining("events of probe.happened before"),
  });
  expect(folded).toEqual(events.map(({ seq: _, ...event }) => event));
  expect(await store.outbox.refold("one", ["probe.other"], work)).toEqual({ foldedCount: 0 });
});

test("a projection whose inbox has forgotten events of other databases is refused, and one that took none is not", async () => {
  const [own] = (await commit(newEvent())) as [OutboxEvent];
  await sent(own);
  await handle("own", own);
  const elsewhere: StoredEvent = { ...newEvent(), version: 1, at: Date.now() };
  await handle("both", own);
  await handle("both", elsewhere);
  await sweepIn(70);
  const kept = async function* () {
    yield [own, elsewhere];
  };
  const work = { reset: async () => {}, fold: async () => {}, kept };
  await expect(store.outbox.refold("both", hearing.types, work)).rejects.toMatchObject({
    code: "store.forgotten",
    message: expect.stringContaining("the events of other databases that both took before"),
  });
  expect(await store.outbox.refold("own", hearing.types, work)).toEqual({ foldedCount: 2 });
});

test("a delivery that waits for a rebuild is told that another is in the way: that spends no attempt", async () => {
  await rows("ALTER FUNCTION banyan.wait_at_gate SET lock_timeout = '50ms'");
  const [event] = (await commit(newEvent())) as [OutboxEvent];
  await sent(event);
  const work = {
    reset: async () => {},
    fold: async () => {
      const delivery = store.beginDelivery("one", [event.id], budget());
      await expect(delivery.open()).rejects.toMatchObject({ code: "store.contended" });
      await delivery.rollback();
    },
  };
  expect(await store.outbox.refold("one", hearing.types, work)).toEqual({ foldedCount: 1 });
});

test("S5 what a clock that was ahead left in the rest moves to its day when that is made, and is still handled once", async () => {
  const [early] = (await commit(newEvent(20))) as [OutboxEvent];
  await handle("one", early);
  expect(await rows("SELECT event FROM banyan.inbox_rest")).toEqual([{ event: early.id }]);
  await sweepIn(15, { eventDays: 30 });
  expect(await rows("SELECT event FROM banyan.inbox_rest UNION ALL SELECT id FROM banyan.event_rest")).toEqual([]);
  expect(await store.outbox.unsent(hearing, { count: 10, bytes: 10_000 }, [])).toEqual([early]);
  expect(await handle("one", early)).toBe(false);
  await expect(store.beginDelivery("one", [early.id], budget()).commit(nothing)).rejects.toMatchObject({
    code: "store.handled",
  });
});

test("records of commands are deleted after their days, however many, and only where that is wanted", async () => {
  await rows(`INSERT INTO banyan.command (id, body_hash, tenant, actor, action, trace_id, at)
    SELECT int8send(i), '', 't', 'a', repeat('x', 200), '', now() - CASE WHEN i % 2 = 0 THEN interval '3 days' ELSE '0' END
    FROM generate_series(1, 60000) AS i`);
  await sweepIn(0);
  expect(await rows("SELECT count(*) FROM banyan.command")).toEqual([{ count: 60_000 }]);
  await sweepIn(0, { commandDays: 2 });
  expect(await rows("SELECT count(*), min(at) > now() - interval '2 days' AS recent FROM banyan.command")).toEqual([
    { count: 30_000, recent: true },
  ]);
});

test("somebody who reads for long holds up the sweep and no command; the next sweep ends", async () => {
  const [event] = (await commit(newEvent())) as [OutboxEvent];
  await sent(event);
  const reader = await connect({ url: database.url });
  await reader.run([statement("BEGIN"), statement("SELECT count(*) FROM banyan.event")]);
  await sweepIn(0, { eventDays: 7 }).catch(() => {});
  const sweeping = expect(sweepIn(70, { eventDays: 7 })).rejects.toMatchObject({ code: "store.contended" });
  await commit(newEvent());
  await sweeping;
  await reader.close();
  const again = await store.outbox.unsent(hearing, { count: 10, bytes: 10_000 }, []);
  await sent(...again);
  await sweepIn(70, { eventDays: 7 });
  expect(await rows("SELECT id FROM banyan.event")).toEqual([]);
  expect((await store.retention.standing()).sweptAt).toBeGreaterThan(Date.now() - 60_000);
});

test("what a database held before there were partitions is in them, and waits for whom it waited for", async () => {
  const before = await createTestDatabase(inject("postgresUrl"));
  const connection = await connect({ url: before.url });
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  const files = ["000001-store.sql", "000002-jobs.sql"];
  for (const file of files) copyFileSync(new URL(`../sql/${file}`, import.meta.url), join(folder, file));
  await migrate(connection, [{ name: "banyan", migrations: pathToFileURL(folder) }]);
  const [kept, waiting] = [newEvent(), newEvent()];
  await connection.run([
    statement(
      `INSERT INTO banyan.event (id, type, tenant, key, version, data, trace_id, metadata)
        SELECT id, 'probe.happened', 't', 'k', version, '{}', '', '{"from":"test"}' FROM unnest($1::uuid[]) WITH ORDINALITY AS e (id, version)`,
      [[kept.id, waiting.id]],
    ),
    statement("INSERT INTO banyan.stream VALUES ('t', 'k', 2)"),
    statement("INSERT INTO banyan.unsent SELECT 'probe', seq FROM banyan.event WHERE id = $1", [waiting.id]),
    statement("INSERT INTO banyan.inbox VALUES ('one', $1)", [kept.id]),
    statement("INSERT INTO banyan.dead_letter (subscriber, event, attempts, error) VALUES ('one', $1, 8, 'broke')", [
      kept.id,
    ]),
  ]);
  await connection.close();
  rmSync(folder, { recursive: true });
  const after = createPostgresStore({ url: before.url });
  await after.start([service]);
  const stored = { version: expect.any(Number), at: expect.any(Number), seq: expect.any(Number) };
  expect(await after.outbox.unsent(hearing, { count: 10, bytes: 10_000 }, [])).toEqual([
    { ...waiting, ...stored, version: 2 },
  ]);
  expect(await after.deadLetters.list({ limit: 10 })).toMatchObject([
    { event: { ...kept, version: 1 }, error: "broke" },
  ]);
  const delivery = after.beginDelivery("one", [kept.id, waiting.id], budget());
  expect(await delivery.open()).toEqual(new Set([waiting.id]));
  await delivery.rollback();
  const { events } = await after.beginCommands([], budget()).commit({ ...nothing, events: [newEvent()] });
  expect(events[0]?.version).toBe(3);
  expect((await after.outbox.unsent(hearing, { count: 10, bytes: 10_000 }, [])).map(({ version }) => version)).toEqual([
    2, 3,
  ]);
  await after.stop(budget());
  await before.drop();
});

test.each([
  [{ replayDays: 0 }, /replayDays is a whole number/],
  [{ commandDays: 1.5 }, /commandDays is a whole number/],
  [{ replayDays: 8, eventDays: 7 }, /eventDays \(7\) is less than replayDays \(8\)/],
] as const)("days that make no sense are refused: %o", (retention, message) => {
  expect(() => createPostgresStore({ url: database.url, retention })).toThrow(message);
});
