import type { OutboxEvent } from "@banyan/kernel/store";
import { expect, test } from "vitest";
import {
  allUnsent,
  budget,
  committed,
  eventually,
  fresh,
  hearing,
  markSent,
  newCommand,
  newEvent,
  newJob,
  nothing,
  type Probe,
  wholePage,
} from "./probe.ts";

export function eventClauses(probe: () => Probe): void {
  test("S4 events of one key have the versions 1, 2, 3 … per tenant, in the order given", async () => {
    const { store } = probe();
    const [a, b] = [fresh("key"), fresh("key")];
    const first = await committed(store, [
      newEvent({ key: b }),
      newEvent({ key: a }),
      newEvent({ key: a }),
      newEvent({ key: a, tenant: "u" }),
    ]);
    const second = await committed(store, [newEvent({ key: a })]);
    const third = await committed(store, [newEvent({ key: a }), newEvent({ key: b })]);
    expect(first.map(({ version }) => version)).toEqual([1, 1, 2, 1]);
    expect(second.map(({ version }) => version)).toEqual([3]);
    expect(third.map(({ version }) => version)).toEqual([4, 2]);
  });

  test("S4 versions follow the commits without gaps, whoever waits for whom", async () => {
    const { store, other } = probe();
    const keys = [fresh("key"), fresh("key"), fresh("key")];
    const stored: OutboxEvent[] = [];
    await Promise.all(
      Array.from({ length: 40 }, async (_, turn) => {
        const transaction = (turn % 2 ? store : other).beginCommands([], budget());
        if (turn % 3 === 0) await transaction.sql`SELECT pg_sleep(0.002)`;
        // Every third undoes itself at the end: its versions must not be missed.
        const events = [keys[turn % 3] as string, keys[(turn + 1) % 3] as string].map((key) => newEvent({ key }));
        if (turn % 3 === 1) await transaction.rollback();
        else stored.push(...(await transaction.commit({ ...nothing, events, commands: [newCommand()] })).events);
      }),
    );
    for (const key of keys) {
      const versions = stored.filter((event) => event.key === key).map(({ version }) => version);
      expect(versions.sort((a, b) => a - b)).toEqual(versions.map((_, index) => index + 1));
    }
    await markSent(store, stored);
  });

  test("unsent events come as they were stored, in version order within their key, until they are marked", async () => {
    const { store } = probe();
    const keys = [fresh("key"), fresh("key")];
    const events = Array.from({ length: 30 }, (_, index) => newEvent({ key: keys[index % 2] as string }));
    const stored: OutboxEvent[] = [];
    for (const event of events)
      stored.push(...(await store.beginCommands([], budget()).commit({ ...nothing, events: [event] })).events);
    const own = async () => (await allUnsent(store)).filter(({ key }) => keys.includes(key));
    expect(await own()).toEqual(stored);
    expect((await store.outbox.backlog(hearing)).count).toBeGreaterThanOrEqual(30);
    expect((await store.outbox.backlog(hearing)).oldestMs).toBeGreaterThanOrEqual(0);
    const [first, ...rest] = stored as [OutboxEvent, ...OutboxEvent[]];
    await markSent(store, rest);
    expect(await own()).toEqual([first]);
    await markSent(store, [first]);
    await markSent(store, [first, ...rest]);
    expect(await own()).toEqual([]);
  });

  test("of many events that were stored together each waits for itself, and those that are known are left out", async () => {
    const { store } = probe();
    const types = ["probe.happened", "probe.unheard", "probe.happened"];
    const given = Array.from({ length: 2_500 }, (_, n) =>
      newEvent({ key: `many ${n % 7}`, type: types[n % 3] as string }),
    );
    const { events } = await store.beginCommands([], budget()).commit({ ...nothing, events: given });
    expect(events.map(({ id }) => id)).toEqual(given.map(({ id }) => id));
    const heard = events.filter(({ type }) => type === "probe.happened");
    const ids = new Set(heard.map(({ id }) => id));
    const waiting = async (known: readonly OutboxEvent[]) => {
      const seqs = known.map(({ seq }) => seq);
      return (await store.outbox.unsent(hearing, wholePage, seqs)).filter(({ id }) => ids.has(id));
    };
    expect(await waiting([])).toEqual(heard);
    const [odd, even] = [heard.filter((_, n) => n % 2 === 1), heard.filter((_, n) => n % 2 === 0)];
    expect(await waiting(odd)).toEqual(even);
    await markSent(store, odd);
    expect(await waiting([])).toEqual(even);
    expect(await waiting(even.slice(1))).toEqual(even.slice(0, 1));
    await markSent(store, even);
    expect(await waiting([])).toEqual([]);
  });

  test("a page of unsent events ends with the event that brings its data to the bytes that may be read", async () => {
    const { store } = probe();
    const key = fresh("long");
    const data = JSON.stringify("é".repeat(10));
    const events = [1, 2, 3].map(() => ({ ...newEvent({ key }), data }));
    const stored = (await store.beginCommands([], budget()).commit({ ...nothing, events })).events;
    const before = (await allUnsent(store)).filter((event) => event.key !== key).map(({ seq }) => seq);
    const page = async (known: readonly OutboxEvent[]) =>
      (await store.outbox.unsent(hearing, { count: 10, bytes: 44 }, [...before, ...known.map(({ seq }) => seq)])).map(
        ({ seq }) => seq,
      );
    const [first, second, third] = stored.map(({ seq }) => seq);
    expect(await page([])).toEqual([first, second]);
    expect(await page(stored.slice(0, 2))).toEqual([third]);
    await markSent(store, stored);
  });

  test("a page of unsent events holds no event before those of its key that precede it, whatever commits meanwhile", async () => {
    const { store, other } = probe();
    const keys = [fresh("key"), fresh("key")];
    const stored: OutboxEvent[] = [];
    let writing = true;
    const writers = [store, other, store, other].map(async (writer, turn) => {
      for (let n = 0; n < 15; n++) {
        const event = newEvent({ key: keys[(turn + n) % 2] as string });
        stored.push(...(await writer.beginCommands([], budget()).commit({ ...nothing, events: [event] })).events);
      }
    });
    const all = Promise.all(writers).finally(() => {
      writing = false;
    });
    do {
      for (const count of [3, 10_000]) {
        const page = (await store.outbox.unsent(hearing, { ...wholePage, count }, [])).filter(({ key }) =>
          keys.includes(key),
        );
        for (const key of keys) {
          const versions = page.filter((event) => event.key === key).map(({ version }) => version);
          expect(versions).toEqual(versions.map((_, index) => index + 1));
        }
      }
    } while (writing);
    await all;
    await markSent(store, stored);
  });

  test("an event waits for each service that hears of its type, for each by itself, and for nobody else", async () => {
    const { store, another } = probe();
    const third = await another({
      name: "listener",
      migrations: undefined,
      hears: ["probe.happened", "probe.whispered"],
    });
    const quiet = { ...newEvent(), type: "probe.whispered" };
    const events = [newEvent(), quiet, { ...newEvent(), type: "probe.unheard" }];
    const stored = [
      ...(await third.beginCommands([], budget()).commit({ ...nothing, events: [newEvent()] })).events,
      ...(await store.beginCommands([], budget()).commit({ ...nothing, events })).events,
    ];
    const mine = new Set(stored.map(({ id }) => id));
    const waiting = async (service: string, types: readonly string[]) =>
      (await store.outbox.unsent({ service, types }, wholePage, []))
        .filter(({ id }) => mine.has(id))
        .map(({ type }) => type);
    expect(await waiting("probe", ["probe.happened"])).toEqual(["probe.happened", "probe.happened"]);
    expect(await waiting("listener", ["probe.happened"])).toEqual(["probe.happened", "probe.happened"]);
    await markSent(store, stored);
    expect(await waiting("probe", ["probe.happened"])).toEqual([]);
    // What an older version of the service does not know is left to the newer one.
    expect(await waiting("listener", ["probe.happened", "probe.whispered", "probe.unheard"])).toEqual([
      "probe.happened",
      "probe.happened",
      "probe.whispered",
    ]);
    expect(await waiting("nobody", ["probe.happened", "probe.unheard"])).toEqual([]);
    await third.stop(budget());
  });

  test("a service that is gone can be forgotten: what waits for it is dropped, and nothing more is kept", async () => {
    const { store, another } = probe();
    const gone = await another({ name: "gone", migrations: undefined, hears: ["probe.happened", "probe.whispered"] });
    await gone.stop(budget());
    const of = async (name: string) =>
      (await store.outbox.subscriptions()).find(({ service }) => service === name) ?? "unknown";
    expect(await of("gone")).toEqual({
      service: "gone",
      types: ["probe.happened", "probe.whispered"],
      unsentCount: 0,
      oldestMs: 0,
    });
    await committed(store, [newEvent(), newEvent()]);
    expect(await of("gone")).toMatchObject({ unsentCount: 2, oldestMs: expect.any(Number) });
    const { unsentCount: mine } = (await of("probe")) as { unsentCount: number };
    expect(await store.outbox.forget("gone")).toBe(2);
    expect(await of("gone")).toBe("unknown");
    expect(await of("probe")).toMatchObject({ unsentCount: mine });
    await committed(store, [newEvent()]);
    expect(await of("gone")).toBe("unknown");
    expect(await store.outbox.forget("gone")).toBe(0);
  });

  test("commits with events or jobs are announced to other processes, in few announcements", async () => {
    const { store, other } = probe();
    let heard = 0;
    other.outbox.onAnnounced(() => heard++);
    await eventually(async () => {
      await committed(store, [newEvent()]);
      return heard > 0;
    });
    const before = heard;
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => committed(store, [newEvent()])));
    const windows = (performance.now() - startedAt) / 10 + 2;
    expect(heard - before).toBeLessThanOrEqual(windows);
    let ofJobs = 0;
    other.outbox.onAnnounced((eventsAlone) => eventsAlone || ofJobs++);
    await store.beginCommands([], budget()).commit({ ...nothing, jobs: [newJob()] });
    await committed(store, [newEvent()]);
    await eventually(async () => ofJobs > 0);
  });
}
