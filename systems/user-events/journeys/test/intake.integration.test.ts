import { gzipSync } from "node:zlib";
import { events } from "@banyan/user-events-events/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

let served: Served;
beforeAll(async () => {
  served = await serveEvents(inject("postgresUrl"));
});
afterAll(() => served?.close());

const track = (messageId: string, more: object = {}) => ({
  type: "track",
  messageId,
  event: "Order Completed",
  userId: "ann",
  properties: { total: 12 },
  ...more,
});

async function listed(query = ""): Promise<{ events: Record<string, unknown>[]; next: string | null }> {
  await served.app.settled();
  return (await served.ask(`/v1/events?${query}`)).body as never;
}

test("a tracked event is answered with 202 when it is kept, and can be read once it is stored", async () => {
  const answer = await served.send("/v1/track", track("one", { timestamp: "2026-11-20T10:00:00Z" }));
  expect([answer.status, answer.body]).toEqual([
    202,
    { success: true, results: [{ eventId: "one", status: "accepted" }] },
  ]);
  expect((await listed("limit=1")).events).toMatchObject([
    {
      eventId: "one",
      source: "shop",
      type: "track",
      name: "Order Completed",
      userId: "ann",
      properties: { total: 12 },
      occurredAt: "2026-11-20T10:00:00.000Z",
    },
  ]);
});

test("what one request brings to several partitions is stored in one transaction", async () => {
  const batch = Array.from({ length: 40 }, (_, at) => track(`t-${at}`, { event: "Together", userId: `person-${at}` }));
  expect((await served.send("/v1/batch", { batch })).status).toBe(202);
  const partitions = new Set((await listed("name=Together")).events.map(({ partition }) => partition));
  expect(partitions.size).toBeGreaterThan(4);
  const transactions = "SELECT count(DISTINCT xmin::text) FROM events.act WHERE name = 'Together'";
  await served.run(`DO $$ BEGIN ASSERT (${transactions}) = 1; END $$`);
});

test("the good ones of a batch are kept, and each bad one has its reason", async () => {
  const deep = (levels: number): object => (levels === 0 ? {} : { in: deep(levels - 1) });
  const bad: [string, object | string | null][] = [
    ["notAnObject", "text"],
    ["notAnObject", null],
    ["unknownType", track("b1", { type: "purchase" })],
    ["missingField", track("b2", { event: undefined })],
    ["missingField", track("b3", { userId: undefined })],
    ["wrongType", track("b4", { userId: ["ann"] })],
    ["wrongType", track("b5", { properties: [1, 2] })],
    ["tooLarge", track("b6", { properties: { text: "x".repeat(33_000) } })],
    ["tooDeep", track("b7", { properties: deep(20) })],
    ["malformedTimestamp", track("b8", { timestamp: "yesterday" })],
    ["malformedTimestamp", track("b11", { timestamp: "2026-02-30T12:00:00Z" })],
    ["malformedTimestamp", track("b15", { timestamp: 9e15, sentAt: 9e15 })],
    ["futureTimestamp", track("b9", { timestamp: "2999-01-01T00:00:00Z" })],
    ["ancientTimestamp", track("b10", { timestamp: "1969-07-20T20:17:40Z" })],
  ];
  const batch = [track("good-1"), ...bad.map(([, event]) => event), track("good-2")];
  const { status, body } = await served.send("/v1/batch", { batch });
  expect(status).toBe(202);
  expect(body.success).toBe(false);
  const results = body.results as { eventId: string | null; status: string; reason?: string }[];
  expect(results.map(({ reason }) => reason)).toEqual([undefined, ...bad.map(([reason]) => reason), undefined]);
  await served.app.settled();
  const { badRows } = (await served.ask("/v1/badrows")).body as { badRows: Record<string, string>[] };
  expect(badRows.map(({ stage, reason }) => `${stage} ${reason}`).sort()).toEqual(
    bad.map(([reason]) => `collect ${reason}`).sort(),
  );
  const kept = badRows.find(({ eventId }) => eventId === "b1");
  expect(JSON.parse(kept?.raw ?? "")).toEqual(track("b1", { type: "purchase" }));
  expect((await listed("limit=1000")).events.map(({ eventId }) => eventId)).toEqual(
    expect.arrayContaining(["good-1", "good-2"]),
  );
});

test("what no JSON of ours may hold costs a batch the one event that holds it, whatever brings the batch", async () => {
  const good = (id: string) => `{"type":"track","event":"Sound","userId":"ann","messageId":"${id}"}`;
  const cloud = (id: string, text = "sound") =>
    `{"specversion":"1.0","source":"s","type":"Sound","id":"${id}","data":{"text":"${text}"}}`;
  const click = (id: string, page = "Sound") =>
    `{"e":"pv","eid":"${id}","aid":"${served.writeKey}","page":"${page}","uid":"ann"}`;
  const bad: [string, string][] = [
    ["notStorable", `{"type":"track","event":"NUL\\u0000","userId":"ann"}`],
    ["notStorable", `{"type":"track","event":"half\\ud83d","userId":"ann"}`],
    ["notStorable", `{"type":"track","event":"no UTF-8: \xe9 and \xff","userId":"ann"}`],
    ["notStorable", `{"type":"track","event":"Order","userId":"ann","properties":{"id":12345678901234567890}}`],
    ["notStorable", `{"type":"track","event":"Order","userId":"ann","properties":{"sum":1e400}}`],
    ["notStorable", `{"type":"track","event":"Order","userId":"ann","properties":{"__proto__":{"admin":true}}}`],
    ["notStorable", `{"type":"track","event":"Order","userId":"ann","properties":{"sum":1,"s\\u0075m":100}}`],
    ["tooDeep", "[".repeat(40) + "]".repeat(40)],
    ["tooDeep", `${"[{},".repeat(20_000)}1${"]".repeat(20_000)}`],
  ];
  const bodyOf = (events: string[]) => Buffer.from(`{"batch":[${events.join()}]}`, "latin1");
  for (const [at, [reason, event]] of bad.entries()) {
    const { status, body } = await served.send("/v1/batch", bodyOf([good(`sound-${at}`), event, good(`also-${at}`)]));
    const results = body.results as { status: string; reason?: string }[];
    expect([status, results.map((one) => one.reason ?? one.status)]).toEqual([202, ["accepted", reason, "accepted"]]);
  }
  const clouds = `[${cloud("c-1")},${cloud("c-2", "\\u0000")},${"[".repeat(50_000)}${"]".repeat(50_000)}]`;
  const cloudsType = { "content-type": "application/cloudevents-batch+json" };
  const snowplow = Buffer.from(`{"data":[${click("p-1")},${click("p-2", "\xff")},7]}`, "latin1");
  for (const [answer, reasons] of [
    [await served.send("/v1/cloudevents", clouds, cloudsType), [undefined, "notStorable", "tooDeep"]],
    [await served.send("/com.snowplowanalytics.snowplow/tp2", snowplow), [undefined, "notStorable", "notAnObject"]],
  ] as const) {
    expect((answer.body.results as { reason?: string }[]).map(({ reason }) => reason)).toEqual(reasons);
  }
  expect((await listed("name=Sound&limit=1000")).events).toHaveLength(2 * bad.length + 1);
  expect(await served.send("/v1/batch", "[".repeat(50_000))).toMatchObject({ status: 400 });
  const many = JSON.stringify({ batch: Array(2_501).fill(1) });
  expect(await served.send("/v1/batch", many)).toMatchObject({ status: 400, body: { code: "intake.tooManyEvents" } });
});

test("a key given twice is told with its path, keeps its text, and cannot be redriven into one of the two", async () => {
  const twice = `{"type":"track","event":"Twice","userId":"ann","properties":{"products":[{"price":1},{"price":1,"price":100}]}}`;
  const single = `{"event":"Twice","userId":"ann","userId":"bob"}`;
  const cloud = `{"specversion":"1.0","source":"s","type":"Twice","id":"t-1","data":{"price":1,"price":100}}`;
  const click = `{"e":"pv","eid":"t-2","aid":"${served.writeKey}","page":"Twice","page":"Other","uid":"ann"}`;
  const cloudType = { "content-type": "application/cloudevents+json" };
  for (const [answer, at] of [
    [await served.send("/v1/batch", `{"batch":[${twice}]}`), "properties.products.1.price"],
    [await served.send("/v1/track", single), "userId"],
    [await served.send("/v1/cloudevents", cloud, cloudType), "data.price"],
    [await served.send("/com.snowplowanalytics.snowplow/tp2", `{"schema":"s","data":[${click}]}`), "page"],
  ] as const) {
    const [result] = answer.body.results as { reason: string; detail: string }[];
    expect(result).toMatchObject({ reason: "notStorable", detail: `${at}: the key is given twice` });
  }
  expect(await served.send("/v1/batch", `{"batch":[],"batch":[${twice}]}`)).toMatchObject({
    status: 400,
    body: { code: "intake.unreadableBody", details: { reason: "batch: the key is given twice" } },
  });
  await served.app.settled();
  const { badRows } = (await served.ask("/v1/badrows")).body as { badRows: Record<string, string>[] };
  const kept = badRows.find(({ detail }) => detail === "properties.products.1.price: the key is given twice");
  expect(JSON.parse(kept?.raw ?? "")).toBe(twice);
  await expect(served.app.call(events.redrive, { id: kept?.id ?? "" })).rejects.toMatchObject({
    code: "events.stillBad",
  });
});

test("what a tracker posts without a list of events is refused, not taken for none", async () => {
  const deep = `{"data":{},"deep":${"[".repeat(64)}${"]".repeat(64)}}`;
  for (const body of ["{}", JSON.stringify({ data: { e: "pv" } }), deep])
    expect(await served.send("/com.snowplowanalytics.snowplow/tp2", body)).toMatchObject({ status: 400 });
});

test("an event that comes again is a duplicate, in one batch and later", async () => {
  const before = await served.app.call(events.tally, { source: "shop" });
  await served.send("/v1/batch", { batch: [track("twice"), track("twice"), track("once")] });
  await served.send("/v1/batch", { batch: [track("twice")] });
  await served.app.settled();
  const after = await served.app.call(events.tally, { source: "shop" });
  expect([after.stored - before.stored, after.duplicate - before.duplicate]).toEqual([2, 2]);
});

test("a client whose clock is an hour late is corrected by when it sent", async () => {
  const sentAt = new Date(Date.now() - 3_600_000);
  const timestamp = new Date(sentAt.getTime() - 5_000).toISOString();
  await served.send("/v1/batch", { batch: [track("late", { timestamp })], sentAt: sentAt.toISOString() });
  const event = (await listed("limit=1000")).events.find(({ eventId }) => eventId === "late");
  const agoMs = Date.parse(String(event?.receivedAt)) - Date.parse(String(event?.occurredAt));
  expect(agoMs).toBe(5_000);
});

test("a body of gzip is unpacked; one that unfolds beyond the limit is refused", async () => {
  const gzip = { "content-encoding": "gzip" };
  const packed = gzipSync(JSON.stringify({ batch: [track("packed")] }));
  expect((await served.send("/v1/batch", packed, gzip)).status).toBe(202);
  expect((await served.send("/v1/batch", gzipSync(Buffer.alloc(50_000_000, 32)), gzip)).status).toBe(413);
  expect((await served.send("/v1/batch", Buffer.from("no gzip"), gzip)).status).toBe(400);
  expect((await served.send("/v1/batch", Buffer.from("x"), { "content-encoding": "br" })).status).toBe(415);
});

test("a page sends text with the write key in it, from any origin", async () => {
  const body = JSON.stringify({ ...track("from-a-page"), writeKey: served.writeKey });
  const headers = { "content-type": "text/plain", origin: "https://shop.example" };
  const response = await fetch(`${served.url}/v1/track`, { method: "POST", body, headers });
  expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([202, "*"]);
});

test("Segment's library for pages sends text to first letters; what names no type of its own is read as the JSON that it is", async () => {
  const post = async (path: string, body: object, contentType: string) => {
    const headers = { "content-type": contentType, authorization: `Basic ${btoa(`${served.writeKey}:`)}` };
    const response = await fetch(`${served.url}${path}`, { method: "POST", body: JSON.stringify(body), headers });
    return [response.status, await response.json()];
  };
  const results = (...ids: string[]) => [
    202,
    { success: true, results: ids.map((eventId) => ({ eventId, status: "accepted" })) },
  ];
  for (const [path, type] of Object.entries({
    t: "track",
    i: "identify",
    p: "page",
    s: "screen",
    g: "group",
    a: "alias",
  })) {
    const call = { ...track(`ajs-${path}`), type, groupId: "acme", previousId: "visitor" };
    expect(await post(`/v1/${path}`, call, "text/plain")).toEqual(results(`ajs-${path}`));
    await expect
      .poll(async () => (await served.app.call(events.list, { type: type as "track", limit: 1_000 })).events)
      .toContainEqual(expect.objectContaining({ eventId: `ajs-${path}`, type }));
  }
  const batch = { batch: [track("ajs-b1"), track("ajs-b2")] };
  expect(await post("/v1/b", batch, "text/plain")).toEqual(results("ajs-b1", "ajs-b2"));
  expect(await post("/v1/batch", { batch: [track("form")] }, "application/x-www-form-urlencoded")).toEqual(
    results("form"),
  );
});

test("whoever has no write key is refused, and nothing is kept", async () => {
  const unknown = { authorization: `Basic ${btoa("nobody:")}` };
  expect(await served.send("/v1/track", track("x"), unknown)).toMatchObject({ status: 401 });
  const response = await fetch(`${served.url}/v1/track`, {
    method: "POST",
    body: JSON.stringify(track("x")),
    headers: { "content-type": "application/json" },
  });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    401,
    "intake.unknownWriteKey",
  ]);
});

test.each([{}, { events: [track("misnamed")] }])(
  "a batch without its list is refused and not taken for an empty one: %j",
  async (sent) => {
    const { status, body } = await served.send("/v1/batch", sent);
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 400,
      code: "intake.unreadableBody",
      detail: "batch: the list of events is missing",
    });
  },
);

test("a batch beyond 500 KB is refused as a whole, with how large it was", async () => {
  const batch = Array.from({ length: 25 }, (_, at) =>
    track(`large-${at}`, { properties: { text: "x".repeat(25_000) } }),
  );
  expect(await served.send("/v1/batch", { batch })).toMatchObject({
    status: 400,
    body: { code: "intake.batchTooLarge" },
  });
});

test("a source that sends more than it may is told when to come again", async () => {
  const created = await served.ask("/v1/sources", { id: "slow", eventsPerSecond: 2 });
  const authorization = `Basic ${btoa(`${created.body.writeKey}:`)}`;
  const batch = ["s1", "s2"].map((id) => track(id));
  expect((await served.send("/v1/batch", { batch }, { authorization })).status).toBe(202);
  const refused = await served.send("/v1/batch", { batch }, { authorization });
  expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([
    429,
    "intake.rateExceeded",
    "1",
  ]);
});

test("pages follow each other by their cursor, and a user's messages are theirs", async () => {
  const batch = Array.from({ length: 7 }, (_, at) =>
    track(`page-${at}`, { userId: "ben", timestamp: `2026-11-0${at + 1}T00:00:00Z` }),
  );
  await served.send("/v1/batch", { batch });
  await served.app.settled();
  const seen: unknown[] = [];
  for (let after = ""; ; ) {
    const { body } = await served.ask(`/user/messages?userId=ben&limit=3${after}`);
    seen.push(...(body.events as { eventId: string }[]).map(({ eventId }) => eventId));
    if (body.next === null) break;
    after = `&after=${body.next}`;
  }
  expect(seen).toEqual(batch.map(({ messageId }) => messageId));
  const between = await listed("name=Order%20Completed&from=2026-11-02T00:00:00Z&to=2026-11-04T00:00:00Z");
  expect(between.events.map(({ eventId }) => eventId)).toEqual(["page-1", "page-2"]);
});

test("a cursor or an instant that is none is refused, and says where", async () => {
  for (const query of ["after=yesterday", "after=999999999999999.1.1", "from=0000-01-01T00:00:00Z", "to=tomorrow"]) {
    expect((await served.ask(`/v1/events?${query}`)).status).toBe(400);
  }
  expect(await served.ask("/v1/badrows?after=1")).toMatchObject({ status: 400, body: { field: "after" } });
});

test("everything that was received is stored, a duplicate, or bad", async () => {
  await served.app.settled();
  const { body } = await served.ask("/v1/conservation");
  expect(body).toMatchObject({ ok: true, inFlight: 0, broken: [] });
  const { received, stored, duplicate, bad } = body as Record<string, number>;
  expect(received).toBe((stored ?? 0) + (duplicate ?? 0) + (bad ?? 0));
  expect((await served.ask("/v1/consumers/lag")).body).toMatchObject({ lag: 0 });
});

test("while too many events wait to be stored clients are told to come again, and nothing of theirs is kept", async () => {
  const append = (count: number) =>
    served.run(
      `UPDATE intake.partition SET appended = appended + ${count} WHERE partition = (SELECT min(partition) FROM intake.partition)`,
    );
  await append(200_000);
  const refused = await served.send("/v1/track", track("too-many"));
  expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([
    429,
    "intake.backlogged",
    "1",
  ]);
  await append(-200_000);
  expect((await served.send("/v1/track", track("too-many"))).status).toBe(202);
  expect((await listed("limit=1000")).events.filter(({ eventId }) => eventId === "too-many")).toHaveLength(1);
  expect((await served.ask("/v1/conservation")).body).toMatchObject({ ok: true, inFlight: 0 });
});
