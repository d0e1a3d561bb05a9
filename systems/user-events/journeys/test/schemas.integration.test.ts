import { events } from "@banyan/user-events-events/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

let served: Served;
beforeAll(async () => {
  served = await serveEvents(inject("postgresUrl"));
});
afterAll(() => served?.close());

const total = (type: string, more: object = {}) => ({
  type: "object",
  properties: { total: { type } },
  required: ["total"],
  ...more,
});
const register = (name: string, version: string, definition: object) =>
  served.app.call(sources.registerSchema, { vendor: "shop", name, version, definition: definition as never });

async function send(event: string, messageId: string, more: object = {}): Promise<void> {
  await served.send("/v1/batch", { batch: [{ type: "track", event, messageId, userId: "ann", ...more }] });
}

async function badRowOf(eventId: string) {
  const { badRows } = await served.app.call(events.badRows, { limit: 1_000 });
  return badRows.find((row) => row.eventId === eventId);
}

test("a version must take what the one before it takes; a new model begins afresh", async () => {
  await register("paid", "1-0-0", total("number"));
  await register("paid", "1-0-0", total("number"));
  await expect(register("paid", "1-0-0", total("string"))).rejects.toMatchObject({ code: "sources.versionTaken" });
  const narrower = [total("integer"), total("number", { required: ["total", "currency"] })];
  const closer = [{ additionalProperties: false }, { additionalProperties: { type: "string" } }];
  for (const definition of [...narrower, ...closer.map((rule) => total("number", rule))]) {
    await expect(register("paid", "1-0-1", definition)).rejects.toMatchObject({ code: "sources.incompatibleSchema" });
  }
  const wider = total("number", { properties: { total: { type: "number" }, currency: { type: "string" } } });
  await register("paid", "1-0-1", wider);
  await register("paid", "2-0-0", total("string"));
  for (const definition of [{ type: "no such type" }, { $async: true }, { pattern: "(?=a)" }]) {
    await expect(register("paid", "3-0-0", definition)).rejects.toMatchObject({ code: "sources.invalidSchema" });
  }
});

test("an event is held against the newest schema of its name, and refused with what is wrong", async () => {
  await register("cart_filled", "1-0-0", total("number"));
  await send("Cart Filled", "fits", { properties: { total: 1 } });
  await send("Cart Filled", "fits-not", { properties: { total: "one" } });
  await served.app.settled();
  const { events: stored } = await served.app.call(events.list, { name: "Cart Filled" });
  expect(stored.map(({ eventId, schema }) => [eventId, schema])).toEqual([["fits", "shop/cart_filled/1-0-0"]]);
  expect(await badRowOf("fits-not")).toMatchObject({
    stage: "validate",
    reason: "schemaMismatch",
    detail: "shop/cart_filled/1-0-0: total must be number",
    state: "dead",
    attempts: 1,
  });
});

test("what is within an object stays as open as it was; what only people read may change", async () => {
  const within = (cart: object) => ({ type: "object", properties: { cart: { type: "object", ...cart } } });
  await register("filled", "1-0-0", within({}));
  await expect(register("filled", "1-0-1", within({ additionalProperties: false }))).rejects.toMatchObject({
    details: { problems: [{ field: "properties.cart.{}" }] },
  });
  await register("filled", "1-0-1", within({ properties: { size: { type: "integer" } }, $comment: "of all items" }));
});

test("no pattern takes the time of others: it grows with the text alone", async () => {
  const named = { type: "object", properties: { name: { type: "string", pattern: "^(\\p{L}+)+$" } } };
  await register("named", "1-0-0", named);
  await send("Named", "named", { properties: { name: "Zoë" } });
  await send("Named", "named-not", { properties: { name: `${"a".repeat(30_000)}!` } });
  await served.app.settled();
  const { events: stored } = await served.app.call(events.list, { name: "Named" });
  expect(stored.map(({ eventId }) => eventId)).toEqual(["named"]);
  expect(await badRowOf("named-not")).toMatchObject({ reason: "schemaMismatch" });
});

test("a schema that refers to itself without end costs the events that are held against it, and nothing else", async () => {
  const endless = { type: "object", properties: { cart: { allOf: [{ $ref: "#/properties/cart" }] } } };
  await register("endless", "1-0-0", endless);
  await send("Endless", "endless", { properties: { cart: 1 } });
  await send("After", "after-endless");
  await served.app.settled();
  const detail = "shop/endless/1-0-0: its schema refers to itself without end";
  expect(await badRowOf("endless")).toMatchObject({ reason: "schemaMismatch", detail });
  expect((await served.app.call(events.list, { name: "After" })).events).toHaveLength(1);
});

test("a refused event waits until its schema is mended, is redriven by hand, and stored once", async () => {
  await register("refunded", "1-0-0", total("number"));
  await send("Refunded", "mended", { properties: { total: "12.00" } });
  await served.app.settled();
  const { id = "" } = (await badRowOf("mended")) ?? {};
  const path = `/v1/dead-letters/${id}/redrive`;
  expect(await served.ask(path, {})).toMatchObject({ status: 409, body: { code: "events.stillBad" } });
  await register("refunded", "2-0-0", total("string"));
  expect(await served.ask(path, {})).toMatchObject({ status: 200, body: { outcome: "stored" } });
  expect(await served.ask(path, {})).toMatchObject({ status: 404 });
  expect((await served.app.call(events.list, { name: "Refunded" })).events).toHaveLength(1);
  expect(await served.app.call(events.verify, {})).toMatchObject({ ok: true });
});

test("an event whose schema is not there yet is tried again by itself, and its neighbours do not wait", async () => {
  const context = { schema: "shop/early/1-0-0" };
  await send("Early", "early", { properties: { total: 1 }, context });
  await send("Neighbour", "neighbour");
  await expect.poll(() => badRowOf("early")).toMatchObject({ reason: "unknownSchema", state: "retrying" });
  await expect.poll(async () => (await served.app.call(events.list, { name: "Neighbour" })).events.length).toBe(1);
  await register("early", "1-0-0", total("number"));
  await expect
    .poll(async () => (await served.app.call(events.list, { name: "Early" })).events.length, { timeout: 10_000 })
    .toBe(1);
  expect(await badRowOf("early")).toMatchObject({ state: "redriven" });
});

test("an event whose schema never comes is dead after five tries, and no longer tried", async () => {
  await send("Never", "never", { context: { schema: "nobody/nothing/1-0-0" } });
  await expect.poll(() => badRowOf("never"), { timeout: 20_000 }).toMatchObject({ state: "dead", attempts: 5 });
});

test("a strict source takes no event without a schema", async () => {
  const created = await served.ask("/v1/sources", { id: "strict", isStrict: true });
  const authorization = `Basic ${btoa(`${created.body.writeKey}:`)}`;
  await served.send("/v1/track", { event: "Anything", messageId: "anything", userId: "ann" }, { authorization });
  await expect
    .poll(() => badRowOf("anything"))
    .toMatchObject({
      reason: "unknownSchema",
      detail: "no schema strict/anything is registered",
    });
});
