import type { DeadLetter, DeadLetters, Sql, StoredEvent } from "@banyan/kernel/store";
import { expect, test } from "vitest";
import { allUnsent, budget, committed, fresh, markSent, newEvent, nothing, type Probe } from "./probe.ts";

type Redrive = NonNullable<Awaited<ReturnType<DeadLetters["beginRedrive"]>>>;

/** As it comes by a log: no store here has it. */
const foreignEvent = (type: string): StoredEvent => ({ ...newEvent({ type }), version: 1, at: Date.now() });

export function deliveryClauses(probe: () => Probe): void {
  test("S5 an event enters a subscriber's inbox once, with its effect, and each subscriber's own", async () => {
    const { store, item } = probe();
    const [subscriber, id] = [fresh("subscriber"), fresh("item")];
    const events = await committed(store, [newEvent(), newEvent()]);
    const ids = events.map((event) => event.id);
    const delivery = store.beginDelivery(subscriber, ids, budget());
    expect(await delivery.open()).toEqual(new Set(ids));
    await delivery.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    await delivery.commit(nothing);
    const again = store.beginDelivery(subscriber, ids, budget());
    expect(await again.open()).toEqual(new Set());
    await again.rollback();
    const another = store.beginDelivery(fresh("subscriber"), ids, budget());
    expect(await another.open()).toEqual(new Set(ids));
    await another.rollback();
    expect(await item(id)).toBe(1);
  });

  test("S5 after a rollback the event is new again", async () => {
    const { store } = probe();
    const subscriber = fresh("subscriber");
    const [event] = (await committed(store, [newEvent()])) as [StoredEvent];
    const delivery = store.beginDelivery(subscriber, [event.id], budget());
    await delivery.open();
    await delivery.rollback();
    const again = store.beginDelivery(subscriber, [event.id], budget());
    expect((await again.open()).size).toBe(1);
    await again.commit(nothing);
  });

  test("S5 of deliveries of the same events at the same time, in any order, each event has one effect", async () => {
    const { store, other, item } = probe();
    const [subscriber, id] = [fresh("subscriber"), fresh("item")];
    const events = await committed(
      store,
      Array.from({ length: 20 }, () => newEvent()),
    );
    const seed = store.beginCommands([], budget());
    await seed.sql`INSERT INTO probe.item VALUES (${id}, 0)`;
    await seed.commit(nothing);
    await Promise.all(
      [store, other, store, other].map(async (deliverer, turn) => {
        const ids = events.map((event) => event.id);
        const delivery = deliverer.beginDelivery(subscriber, turn % 2 ? ids : ids.reverse(), budget());
        const fresh = await delivery.open();
        await delivery.sql`UPDATE probe.item SET n = n + ${fresh.size}::int WHERE id = ${id}`;
        await delivery.commit(nothing);
      }),
    );
    expect(await item(id)).toBe(20);
  });

  test("S5 a delivery that never opened enters its inbox with its first statement, or with its commit", async () => {
    const { store, item } = probe();
    const [subscriber, id, next] = [fresh("subscriber"), fresh("item"), newEvent()];
    const [a, b] = (await committed(store, [newEvent(), newEvent()])) as [StoredEvent, StoredEvent];
    const first = store.beginDelivery(subscriber, [a.id], budget());
    await first.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    await first.commit(nothing);
    const { events } = await store.beginDelivery(subscriber, [b.id], budget()).commit({ events: [next], jobs: [] });
    expect(events).toEqual([{ ...next, version: 1, at: expect.any(Number), seq: expect.any(Number) }]);
    await markSent(store, events);
    const again = store.beginDelivery(subscriber, [a.id, b.id], budget());
    expect((await again.open()).size).toBe(0);
    await again.rollback();
    expect(await item(id)).toBe(1);
  });

  test("S5 a delivery that never opened, of an event that was handled, has no effect and says so", async () => {
    const { store, item } = probe();
    const [subscriber, id] = [fresh("subscriber"), fresh("item")];
    const [event, other] = (await committed(store, [newEvent(), newEvent()])) as [StoredEvent, StoredEvent];
    await store.beginDelivery(subscriber, [event.id], budget()).commit(nothing);
    const handled = { code: "store.handled" };
    const speaking = store.beginDelivery(subscriber, [event.id], budget());
    await expect(speaking.sql`INSERT INTO probe.item VALUES (${id}, 1)`).rejects.toMatchObject(handled);
    await expect(speaking.commit(nothing)).rejects.toMatchObject(handled);
    await speaking.rollback();
    const emitted = newEvent();
    const silent = store.beginDelivery(subscriber, [other.id, event.id], budget());
    await expect(silent.commit({ events: [emitted], jobs: [] })).rejects.toMatchObject(handled);
    await silent.rollback();
    expect(await item(id)).toBeUndefined();
    expect((await allUnsent(store)).map((each) => each.id)).not.toContain(emitted.id);
    const fine = store.beginDelivery(subscriber, [other.id], budget());
    expect((await fine.open()).size).toBe(1);
    await fine.rollback();
  });

  test("a buried event is in the inbox and among the dead letters, once, newest first", async () => {
    const { store } = probe();
    const subscriber = fresh("subscriber");
    const [a, b] = (await committed(store, [newEvent(), newEvent()])) as [StoredEvent, StoredEvent];
    expect(await store.deadLetters.bury(subscriber, a, 8, "it broke")).toBe(true);
    expect(await store.deadLetters.bury(subscriber, a, 8, "it broke")).toBe(false);
    expect(await store.deadLetters.bury(subscriber, b, 3, "it broke, too")).toBe(true);
    const letters = await store.deadLetters.list({ subscriber, limit: 10 });
    const any = { id: expect.any(String), at: expect.any(Number), position: expect.any(Number) };
    expect(letters).toEqual([
      { ...any, subscriber, event: b, attempts: 3, error: "it broke, too" },
      { ...any, subscriber, event: a, attempts: 8, error: "it broke" },
    ]);
    const [newest, oldest] = letters as [DeadLetter, DeadLetter];
    expect(await store.deadLetters.list({ subscriber, limit: 1, after: newest.position })).toEqual([oldest]);
    const redrive = (await store.deadLetters.beginRedrive(newest.id, budget())) as Redrive;
    await redrive.transaction.commit(nothing);
    expect(await store.deadLetters.list({ subscriber, limit: 1, after: newest.position })).toEqual([oldest]);
    const delivery = store.beginDelivery(subscriber, [a.id], budget());
    expect((await delivery.open()).size).toBe(0);
    await delivery.rollback();
  });

  test("a redrive takes the letter out with its effect, or leaves it; one that failed again goes to the end", async () => {
    const { store, item } = probe();
    const [subscriber, id] = [fresh("subscriber"), fresh("item")];
    const events = (await committed(store, [newEvent(), newEvent()])) as [StoredEvent, StoredEvent];
    for (const event of events) await store.deadLetters.bury(subscriber, event, 8, "broke");
    const [newest, oldest] = await store.deadLetters.list({ subscriber, limit: 10 });
    const failed = (await store.deadLetters.beginRedrive(oldest?.id as string, budget())) as Redrive;
    expect(failed.letter).toEqual(oldest);
    await failed.transaction.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    await failed.transaction.rollback();
    await store.deadLetters.refused(oldest?.id as string, "broke again");
    const [last, first] = await store.deadLetters.list({ subscriber, limit: 10 });
    expect(last).toMatchObject({ id: oldest?.id, attempts: 9, error: "broke again" });
    expect(first).toEqual(newest);
    const redrive = (await store.deadLetters.beginRedrive(oldest?.id as string, budget())) as Redrive;
    await redrive.transaction.sql`INSERT INTO probe.item VALUES (${id}, 2)`;
    await redrive.transaction.commit(nothing);
    expect(await item(id)).toBe(2);
    expect(await store.deadLetters.beginRedrive(oldest?.id as string, budget())).toBeUndefined();
    expect(await store.deadLetters.beginRedrive("no such letter", budget())).toBeUndefined();
    expect(await store.deadLetters.list({ subscriber, limit: 10 })).toEqual([newest]);
  });

  test("a refold gives every event of its types in version order, in place of what was handled and buried", async () => {
    const { store } = probe();
    const [subscriber, type, key] = [fresh("subscriber"), fresh("probe.kind"), fresh("key")];
    const events = [
      ...(await committed(
        store,
        Array.from({ length: 5 }, () => newEvent({ type, key })),
      )),
      ...(await committed(store, [newEvent()])),
    ];
    const wanted = events.slice(0, 5);
    await store.deadLetters.bury(subscriber, wanted[0] as StoredEvent, 8, "broke");
    const seen: (StoredEvent | "reset")[] = [];
    const result = await store.outbox.refold(subscriber, [type], {
      reset: async (sql) => {
        await sql`DELETE FROM probe.item WHERE id = ${subscriber}`;
        seen.push("reset");
      },
      fold: async (sql, page) => {
        seen.push(...page);
        await sql`INSERT INTO probe.item VALUES (${subscriber}, ${page.length}) ON CONFLICT (id) DO UPDATE SET n = probe.item.n + excluded.n`;
      },
    });
    expect(result).toEqual({ foldedCount: 5 });
    expect(seen).toEqual(["reset", ...wanted]);
    expect(await probe().item(subscriber)).toBe(5);
    expect(await store.deadLetters.list({ subscriber, limit: 10 })).toEqual([]);
    const delivery = store.beginDelivery(
      subscriber,
      wanted.map((event) => event.id),
      budget(),
    );
    expect((await delivery.open()).size).toBe(0);
    await delivery.rollback();
  });

  test("a refold folds what a log keeps of other stores behind its own, each event once", async () => {
    const { store } = probe();
    const [subscriber, type] = [fresh("subscriber"), fresh("probe.kind")];
    const [own] = (await committed(store, [newEvent({ type })])) as [StoredEvent];
    const [taken, later] = [foreignEvent(type), foreignEvent(type)];
    await store.beginDelivery(subscriber, [own.id, taken.id], budget()).commit(nothing);
    const seen: StoredEvent[] = [];
    const work = {
      reset: async () => {},
      fold: async (_: unknown, page: readonly StoredEvent[]) => void seen.push(...page),
    };
    const kept = async function* () {
      yield [taken, own, taken];
      yield [taken, later];
    };
    expect(await store.outbox.refold(subscriber, [type], { ...work, kept })).toEqual({ foldedCount: 3 });
    expect(seen).toEqual([own, taken, later]);
    const again = store.beginDelivery(subscriber, [own.id, taken.id, later.id], budget());
    expect((await again.open()).size).toBe(0);
    await again.rollback();
  });

  test("a refold that would lose what the subscriber took of other stores changes nothing, and says so", async () => {
    const { store, item } = probe();
    const [subscriber, type] = [fresh("subscriber"), fresh("probe.kind")];
    const [kept, gone] = [foreignEvent(type), foreignEvent(type)];
    const delivery = store.beginDelivery(subscriber, [kept.id, gone.id], budget());
    await delivery.sql`INSERT INTO probe.item VALUES (${subscriber}, 2)`;
    await delivery.commit(nothing);
    const work = {
      reset: (sql: Sql) => sql`DELETE FROM probe.item WHERE id = ${subscriber}`,
      fold: async () => {},
    };
    const refused = (count: number) => ({
      code: "store.missing",
      details: { subscriber, count, since: expect.any(Number) },
    });
    const half = async function* () {
      yield [kept];
    };
    await expect(store.outbox.refold(subscriber, [type], work)).rejects.toMatchObject(refused(2));
    await expect(store.outbox.refold(subscriber, [type], { ...work, kept: half })).rejects.toMatchObject(refused(1));
    expect(await item(subscriber)).toBe(2);
    const again = store.beginDelivery(subscriber, [kept.id, gone.id], budget());
    expect((await again.open()).size).toBe(0);
    await again.rollback();
  });

  test("a refold that fails changes nothing, and one under deliveries counts every event once", async () => {
    const { store, other, item } = probe();
    const [subscriber, type, key] = [fresh("subscriber"), fresh("probe.kind"), fresh("key")];
    const add = (sql: Sql, n: number) =>
      sql`INSERT INTO probe.item VALUES (${subscriber}, ${n}) ON CONFLICT (id) DO UPDATE SET n = probe.item.n + excluded.n`;
    const deliver = async () => {
      const [event] = (await committed(other, [newEvent({ type, key })])) as [StoredEvent];
      const delivery = other.beginDelivery(subscriber, [event.id], budget());
      const { size } = await delivery.open();
      await add(delivery.sql, size);
      await delivery.commit(nothing);
    };
    for (let n = 0; n < 5; n++) await deliver();
    await expect(
      store.outbox.refold(subscriber, [type], {
        reset: (sql) => sql`DELETE FROM probe.item WHERE id = ${subscriber}`,
        fold: () => Promise.reject(new Error("no")),
      }),
    ).rejects.toThrow("no");
    expect(await item(subscriber)).toBe(5);
    const delivering = (async () => {
      for (let n = 0; n < 20; n++) await deliver();
    })();
    for (let n = 0; n < 3; n++) {
      await store.outbox.refold(subscriber, [type], {
        reset: (sql) => sql`DELETE FROM probe.item WHERE id = ${subscriber}`,
        fold: async (sql, page) => void (await add(sql, page.length)),
      });
    }
    await delivering;
    expect(await item(subscriber)).toBe(25);
  });
}
