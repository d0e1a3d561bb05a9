import type { StoredEvent } from "@banyan/kernel/store";
import { expect, test } from "vitest";
import { allUnsent, budget, committed, eventually, fresh, markSent, newEvent, nothing, type Probe } from "./probe.ts";

export function retentionClauses(probe: () => Probe): void {
  test("events since a moment are unsent again, in version order, and those before it are not", async () => {
    const { store } = probe();
    const key = fresh("key");
    const [before] = (await committed(store, [newEvent({ key })])) as [StoredEvent];
    const since = await eventually(async () => {
      const [event] = (await committed(store, [newEvent({ key })])) as [StoredEvent];
      return event.at > before.at && event;
    });
    const last = (await committed(store, [newEvent({ key }), newEvent({ key, type: "probe.unheard" })]))[0];
    const { count } = await store.retention.republish(since.at);
    const again = (await allUnsent(store)).filter((event) => event.key === key);
    expect(again).toMatchObject([since, last].filter((event) => (event as StoredEvent).at >= since.at));
    expect(count).toBeGreaterThanOrEqual(2);
    expect(await store.retention.republish(since.at)).toEqual({ count: 0 });
    const all = await allUnsent(store);
    await markSent(store, all);
  });

  test("S5 an event that is sent again is not new to a subscriber that had it", async () => {
    const { store } = probe();
    const subscriber = fresh("subscriber");
    const [event] = (await committed(store, [newEvent()])) as [StoredEvent];
    await store.beginDelivery(subscriber, [event.id], budget()).commit(nothing);
    await store.retention.republish(event.at);
    const again = store.beginDelivery(subscriber, [event.id], budget());
    expect(await again.open()).toEqual(new Set());
    await again.rollback();
    const all = await allUnsent(store);
    await markSent(store, all);
  });

  test("how what is over stands counts the dead letters", async () => {
    const { store } = probe();
    const { deadLetterCount } = await store.retention.standing();
    const [event] = (await committed(store, [newEvent()])) as [StoredEvent];
    await store.deadLetters.bury(fresh("subscriber"), event, 1, "broke");
    expect(await store.retention.standing()).toMatchObject({ deadLetterCount: deadLetterCount + 1, overdueCount: 0 });
  });
}
