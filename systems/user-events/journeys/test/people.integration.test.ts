import { events } from "@banyan/user-events-events/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

let served: Served;
const clock = { aheadMs: 0 };
beforeAll(async () => {
  const time = { now: () => Date.now() + clock.aheadMs, monotonic: () => performance.now() + clock.aheadMs };
  served = await serveEvents(inject("postgresUrl"), { clock: time });
});
afterAll(() => served?.close());

const minute = 60_000;
const at = (day: number, minutes = 0) => new Date(Date.UTC(2026, 9, day, 9) + minutes * minute).toISOString();
let sent = 0;
const did = (event: string, timestamp: string, ids: object) => ({
  type: "track",
  messageId: `people-${sent++}`,
  event,
  timestamp,
  ...ids,
});
const send = async (batch: readonly object[]) => {
  const { status } = await served.send("/v1/batch", { batch });
  expect(status).toBe(202);
  await served.app.settled();
};
const october = { from: "2026-10-01T00:00:00Z", to: "2026-11-01T00:00:00Z" };

/** Every order of a list. */
function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, index) => orders(list.toSpliced(index, 1)).map((rest) => [one, ...rest]));
}

test("who was unknown and who it turned out to be are one person, in whatever order that is told", async () => {
  for (const [index, order] of orders([0, 1, 2, 3]).entries()) {
    const [phone, laptop, old, now] = ["phone", "laptop", "old", "now"].map((name) => `${name}-${index}`);
    const told = [
      { type: "identify", messageId: `a${index}`, anonymousId: phone, userId: old, timestamp: at(1, 1) },
      { type: "identify", messageId: `b${index}`, anonymousId: laptop, userId: now, timestamp: at(1, 2) },
      { type: "alias", messageId: `c${index}`, previousId: old, userId: now, timestamp: at(1, 3) },
      // Somebody else at the same laptop, later.
      { type: "identify", messageId: `d${index}`, anonymousId: laptop, userId: `guest-${index}`, timestamp: at(1, 4) },
    ];
    await send(order.map((one) => told[one] as object));
    const { body } = await served.ask(`/v1/people/${phone}`);
    expect(body).toEqual({ person: now, ids: [laptop, now, old, phone].sort() });
  }
});

test("ids that are said to be each other's are one person too", async () => {
  await send([
    { type: "alias", messageId: "circle-1", previousId: "one", userId: "two" },
    { type: "alias", messageId: "circle-2", previousId: "two", userId: "one" },
  ]);
  expect((await served.ask("/v1/people/two")).body).toEqual({ person: "one", ids: ["one", "two"] });
});

test("a person's history holds what was done before they were known, page by page", async () => {
  await send([
    did("Looked", at(2), { anonymousId: "visitor" }),
    did("Signed up", at(2, 1), { anonymousId: "visitor", userId: "ida" }),
    did("Paid", at(2, 2), { userId: "ida" }),
  ]);
  const first = await served.app.call(events.history, { id: "ida", limit: 2 });
  // Comes late, and belongs before what was read: the next page goes on where the last one ended.
  await send([did("Came", at(1), { anonymousId: "visitor" })]);
  const second = await served.app.call(events.history, { id: "visitor", limit: 2, after: first.next ?? "" });
  expect([...first.acts, ...second.acts].map(({ name }) => name)).toEqual(["Looked", "Signed up", "Paid"]);
  expect(second.next).toBe(null);
  await expect(served.app.call(events.history, { id: "ida", after: "2" })).rejects.toMatchObject({
    code: "events.malformedCursor",
  });
});

test("what a person did at one instant is read page by page, each act once", async () => {
  const names = ["A", "B", "C", "D", "E"];
  await send(names.map((name) => did(name, at(3), { userId: "jo" })));
  const read: (string | null)[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await served.ask(`/v1/people/jo/acts?limit=2${after === undefined ? "" : `&after=${after}`}`);
    read.push(...(page.body.acts as { name: string }[]).map(({ name }) => name));
    after = page.body.next as string | null;
  }
  expect(read.sort()).toEqual(names);
});

test("a session ends with more than half an hour without an event, and is one across the moment of signing up", async () => {
  await send([
    did("Came", at(5), { anonymousId: "cookie" }),
    did("Signed up", at(5, 30), { anonymousId: "cookie", userId: "ben" }),
    did("Paid", at(5, 40), { userId: "ben" }),
    did("Came back", at(5, 71), { userId: "ben" }),
  ]);
  const day = { from: "2026-10-05T00:00:00Z", to: "2026-10-06T00:00:00Z" };
  const { sessions, next } = await served.app.call(events.sessions, { ...day, limit: 1 });
  expect(sessions).toEqual([
    {
      person: "ben",
      startedAt: at(5),
      endedAt: at(5, 40),
      events: 3,
      first: "Came",
      last: "Paid",
    },
  ]);
  const rest = await served.app.call(events.sessions, { ...day, after: next ?? "" });
  expect(rest).toMatchObject({ sessions: [{ events: 1, first: "Came back" }], next: null });
  expect((await served.app.call(events.sessions, { ...october, person: "cookie" })).sessions).toHaveLength(2);
  const refused = await served.ask("/v1/sessions?from=2026-10-05T00:00:00Z&to=2026-10-05T00:00:00Z");
  expect(refused).toMatchObject({ status: 400, body: { field: "to" } });
});

test("a funnel counts people by how far they came, under whatever id they took a step", async () => {
  await send([
    did("Saw", at(8), { anonymousId: "f-1" }),
    did("Filled", at(8, 1), { anonymousId: "f-1", userId: "fay" }),
    did("Bought", at(8, 2), { userId: "fay" }),
    did("Saw", at(8), { userId: "gus" }),
    did("Bought", at(8, 1), { userId: "gus" }),
    did("Saw", at(8), { userId: "hal" }),
    did("Filled", at(9, 1), { userId: "hal" }),
  ]);
  const steps = "&step=Saw&step=Filled&step=Bought";
  const { body } = await served.ask(`/v1/funnels?from=${october.from}&to=${october.to}${steps}&withinMs=3600000`);
  expect(body.steps).toEqual([
    { name: "Saw", people: 3 },
    { name: "Filled", people: 1 },
    { name: "Bought", people: 1 },
  ]);
});

test("retention counts who came back, by the day on which they first came", async () => {
  const { writeKey } = (await served.ask("/v1/sources", { id: "club" })).body;
  const authorization = `Basic ${btoa(`${writeKey}:`)}`;
  const batch = [
    did("Came", at(10), { userId: "r-1" }),
    did("Came", at(10), { userId: "r-2" }),
    did("Came", at(11), { userId: "r-1" }),
    did("Came", at(11), { userId: "r-3" }),
    did("Came", at(13), { userId: "r-1" }),
  ];
  await served.send("/v1/batch", { batch }, { authorization });
  await served.app.settled();
  const span = { from: "2026-10-10T00:00:00Z", to: "2026-10-17T00:00:00Z", source: "club" };
  expect(await served.app.call(events.retention, span)).toEqual({
    cohorts: [
      { startsAt: "2026-10-10T00:00:00.000Z", people: [2, 1, 0, 1] },
      { startsAt: "2026-10-11T00:00:00.000Z", people: [1] },
    ],
  });
});

test("rollups count events and people, and a cached answer is never older than five seconds", async () => {
  const span = { from: "2026-10-20T00:00:00Z", to: "2026-10-21T00:00:00Z" };
  const counts = async () => {
    const { rollups } = await served.app.call(events.rollups, { ...span, every: "day" });
    return rollups.map(({ name, events: count, people }) => [name, count, people]);
  };
  await send([did("Rolled", at(20), { userId: "one-1" }), did("Rolled", at(20, 1), { userId: "one-1" })]);
  expect(await counts()).toEqual([["Rolled", 2, 1]]);
  await send([did("Rolled", at(20, 2), { userId: "one-2" })]);
  clock.aheadMs += 5_000;
  expect(await counts()).toEqual([["Rolled", 3, 2]]);
});

test("a person who is erased is gone from everything, under every id, and stays gone", async () => {
  const own = [
    did("Looked", at(25), { anonymousId: "e-cookie" }),
    did("Signed up", at(25, 1), { anonymousId: "e-cookie", userId: "eve" }),
    did("Paid", at(25, 2), { userId: "eve" }),
    did("Broken", at(25, 3), { userId: "eve", properties: "none" }),
    did("Other", at(25, 4), { userId: "eve-lyn" }),
    did("Visited", at(25, 5), { anonymousId: "e-cookie", userId: "guest-of-eve" }),
    did("Broken", at(25, 6), {
      anonymousId: "e-cookie",
      userId: "guest-of-eve",
      context: { schema: "shop/none/1-0-0" },
    }),
  ];
  await send(own);
  const { body } = await served.ask("/v1/people/e-cookie/erase", {});
  expect(body).toEqual({ ids: ["e-cookie", "eve"], erased: { events: 3, acts: 3, badRows: 1, identities: 1 } });
  const traces = "/v1/traces?ids=e-cookie&ids=eve";
  expect((await served.ask(traces)).body).toEqual({ ok: true, events: 0, acts: 0, badRows: 0, identities: 0 });
  expect((await served.ask("/v1/traces?ids=eve-lyn")).body).toMatchObject({ ok: false, events: 1, acts: 1 });
  expect((await served.ask("/v1/traces?ids=guest-of-eve")).body).toMatchObject({ events: 1, acts: 1, badRows: 1 });
  expect((await served.ask("/v1/people/guest-of-eve/acts")).body.acts).toMatchObject([{ name: "Visited" }]);
  await send(own);
  expect((await served.ask(traces)).body).toEqual({ ok: true, events: 0, acts: 0, badRows: 0, identities: 0 });
  expect(await served.app.call(events.verify, {})).toMatchObject({ ok: true });
});

test("ids that were sent as numbers are found in what could not be read, and no longer numbers with them", async () => {
  await send([
    did("Broken", at(26), { userId: 4711, properties: "none" }),
    did("Broken", at(26), { userId: 47110, properties: "none" }),
  ]);
  const { body } = await served.ask("/v1/people/4711/erase", {});
  expect(body).toMatchObject({ erased: { badRows: 1 } });
  expect((await served.ask("/v1/traces?ids=47110")).body).toMatchObject({ badRows: 1 });
});

test("what happened long ago and came now is kept as long as its event", async () => {
  await send([did("Remembered", "2010-05-01T10:00:00Z", { userId: "old" })]);
  const ran: string[] = [];
  const stop = served.app.inspect((record) => ran.push("id" in record ? record.id : ""), ["job"]);
  // Its turn comes at night.
  await served.run(`INSERT INTO banyan.job (id, type, tenant, input, priority, trace_id, metadata, delay_ms, due_at)
    VALUES ('tonight', 'events.keepActs', 'default', '{}', 1, '${"0".repeat(31)}1', '{}', 0, now())`);
  await expect.poll(() => ran, { timeout: 20_000 }).toContain("events.keepActs");
  stop();
  expect((await served.ask("/v1/people/old/acts")).body.acts).toMatchObject([{ name: "Remembered" }]);
});
