import { events } from "@banyan/user-events-events/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { Analytics } from "@segment/analytics-node";
import { buildPageView, buildSelfDescribingEvent, buildStructEvent, newTracker } from "@snowplow/node-tracker";
import { CloudEvent, HTTP, type Message } from "cloudevents";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

/* The clients that others wrote, as they come from npm, pointed at our address. */

let served: Served;
beforeAll(async () => {
  served = await serveEvents(inject("postgresUrl"));
});
afterAll(() => served?.close());

const patience = { timeout: 20_000, interval: 50 };
const stored = async (filter: object) => (await served.app.call(events.list, { limit: 1_000, ...filter })).events;

test("Segment's SDK for Node sends every kind of call, and each is stored", async () => {
  const analytics = new Analytics({ writeKey: served.writeKey, host: served.url, flushAt: 6 });
  const failed: unknown[] = [];
  analytics.on("error", (error) => failed.push(error));
  const timestamp = new Date("2026-11-20T10:00:00.000Z");
  analytics.track({ userId: "ann", event: "Order Completed", properties: { total: 12 }, timestamp });
  analytics.identify({ userId: "ann", traits: { plan: "pro" } });
  analytics.page({ userId: "ann", name: "Home", properties: { url: "https://shop.example/" } });
  analytics.screen({ anonymousId: "phone", name: "Cart" });
  analytics.group({ userId: "ann", groupId: "acme", traits: { seats: 3 } });
  analytics.alias({ userId: "ann", previousId: "phone" });
  await analytics.closeAndFlush();
  expect(failed).toEqual([]);
  await expect
    .poll(() => served.app.call(events.tally, { source: "shop" }), patience)
    .toMatchObject({ stored: 6, bad: 0 });
  const [ordered] = await stored({ name: "Order Completed" });
  expect(ordered).toMatchObject({ userId: "ann", properties: { total: 12 } });
  const { occurredAt = "", receivedAt = "", sentAt } = ordered ?? {};
  expect(Date.parse(occurredAt) - timestamp.getTime()).toBe(Date.parse(receivedAt) - Date.parse(sentAt ?? ""));
  expect(await stored({ type: "group" })).toMatchObject([{ properties: { groupId: "acme", seats: 3 } }]);
  expect(await stored({ type: "alias" })).toMatchObject([{ properties: { previousId: "phone" } }]);
});

test("Snowplow's tracker for Node sends pages, structured and self-describing events; what no schema or engine takes is a bad row", async () => {
  await served.app.call(sources.registerSchema, {
    vendor: "com.acme",
    name: "button_click",
    version: "1-0-0",
    definition: { type: "object", required: ["button"], properties: { button: { type: "string" } } },
  });
  const { port } = new URL(served.url);
  const failed: unknown[] = [];
  const tracker = newTracker(
    { namespace: "test", appId: served.writeKey, encodeBase64: true },
    {
      endpoint: "127.0.0.1",
      protocol: "http",
      port: Number(port),
      eventMethod: "post",
      bufferSize: 1,
      onRequestFailure: (failure) => failed.push(failure),
    },
  );
  tracker.setUserId("ben");
  const described = (schema: string, data: Record<string, unknown>) =>
    tracker.track(buildSelfDescribingEvent({ event: { schema, data } }));
  tracker.track(buildPageView({ pageUrl: "https://shop.example/", pageTitle: "Shop" }));
  tracker.track(buildStructEvent({ category: "cart", action: "added", label: "tea" }));
  described("iglu:com.acme/button_click/jsonschema/1-0-0", { button: "buy" });
  described("iglu:com.acme/button_click/jsonschema/1-0-0", { button: 7 });
  described("iglu:com.acme/unheard_of/jsonschema/1-0-0", {});
  described("iglu:com.acme/button_click/jsonschema/1-0-0", { button: "a\0b" });
  described("iglu:com.acme/button_click/jsonschema/1-0-0", { button: JSON.parse("[".repeat(20) + "]".repeat(20)) });
  await tracker.flush();
  await expect
    .poll(async () => (await served.app.call(events.messages, { userId: "ben" })).events.length, patience)
    .toBe(3);
  expect(await stored({ type: "page", name: "Shop" })).toMatchObject([
    { properties: { url: "https://shop.example/" } },
  ]);
  expect(await stored({ name: "added" })).toMatchObject([{ properties: { category: "cart", label: "tea" } }]);
  expect(await stored({ name: "button_click" })).toMatchObject([
    { schema: "com.acme/button_click/1-0-0", properties: { button: "buy" }, userId: "ben" },
  ]);
  await expect
    .poll(async () => (await served.app.call(events.badRows, {})).badRows.map(({ reason }) => reason).sort(), patience)
    .toEqual(["notStorable", "schemaMismatch", "tooDeep", "unknownSchema"]);
  expect(failed).toEqual([]);
});

test("the CloudEvents SDK sends one event in its headers, one as JSON, and a batch", async () => {
  const send = async ({ headers, body }: Message, contentType?: string) => {
    const response = await fetch(`${served.url}/v1/cloudevents`, {
      method: "POST",
      headers: {
        ...(headers as Record<string, string>),
        ...(contentType !== undefined && { "content-type": contentType }),
        authorization: `Basic ${btoa(`${served.writeKey}:`)}`,
      },
      body: body as string,
    });
    return { status: response.status, body: await response.json() };
  };
  const event = (id: string) =>
    new CloudEvent({ id, source: "/billing", type: "com.acme.invoiced", subject: "cat", data: { invoice: id } });
  expect(await send(HTTP.binary(event("i-1")))).toMatchObject({ status: 202, body: { success: true } });
  expect(await send(HTTP.structured(event("i-2")))).toMatchObject({ status: 202, body: { success: true } });
  const batch = { headers: {}, body: JSON.stringify([event("i-2"), event("i-3"), { specversion: "0.3" }]) };
  expect(await send(batch, "application/cloudevents-batch+json")).toMatchObject({
    status: 202,
    body: { success: false, results: [{ status: "accepted" }, { status: "accepted" }, { reason: "unknownShape" }] },
  });
  await expect.poll(async () => (await stored({ name: "com.acme.invoiced" })).length, patience).toBe(3);
  const found = await stored({ name: "com.acme.invoiced" });
  expect(found.map(({ eventId, anonymousId, properties }) => [eventId, anonymousId, properties]).sort()).toEqual(
    ["i-1", "i-2", "i-3"].map((id) => [`/billing ${id}`, "cat", { invoice: id }]),
  );
  expect(await served.app.call(events.verify, {})).toMatchObject({ ok: true });
});
