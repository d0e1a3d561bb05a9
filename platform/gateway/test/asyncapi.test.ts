import { readFileSync } from "node:fs";
import { defineContract, event, implement, on } from "@banyan/kernel";
import { cloudEventOf } from "@banyan/kernel/log";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { z } from "zod";
import { asyncApiDocument } from "../src/describe/asyncapi.ts";
import { serve } from "./serving.ts";

const Line = z.strictObject({ sku: z.string(), at: z.tuple([z.number(), z.number()]) }).meta({ id: "Line" });
const shipping = defineContract("shipping", {
  events: {
    sent: event({
      summary: "A parcel left.",
      data: z.strictObject({ parcel: z.string(), lines: z.array(Line), by: z.string().default("road") }),
      key: ({ parcel }) => parcel,
    }),
    lost: event({ data: z.strictObject({ line: Line }), key: ({ line }) => line.sku }),
  },
});
const billing = defineContract("billing", {});
const services = [
  implement(shipping, {}),
  implement(billing, {
    subscriptions: { charge: on(shipping.sent, () => {}) },
    projections: {
      parcels: { folds: [on(shipping.sent, () => {}), on(shipping.lost, () => {})], reset: async () => {} },
    },
  }),
];

interface Document {
  readonly channels: Record<string, { readonly address: string; readonly messages: Record<string, unknown> }>;
  readonly operations: Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>;
  readonly components: { readonly messages: Record<string, { readonly payload: object }>; readonly schemas: object };
}
const document = asyncApiDocument({ title: "Shop", version: "1.2.3", services });
const { channels, operations, components } = document as unknown as Document;

/** The specification's own schema, draft 7; its meta-schemas ask for formats that need no check here. */
const specification = JSON.parse(
  readFileSync(new URL(import.meta.resolve("@asyncapi/specs/schemas/3.0.0-without-$id.json")), "utf8"),
);
const isAsyncApi = new Ajv({ strict: false, validateFormats: false }).compile(specification);

test("the document is valid AsyncAPI 3.0, and every reference in it leads somewhere", () => {
  expect(isAsyncApi(document) || isAsyncApi.errors).toBe(true);
  expect(isAsyncApi({ ...document, channels: { a: { adress: "b" } } })).toBe(false);
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path as string);
  expect(references.length).toBeGreaterThan(12);
  for (const path of references) {
    const target = path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(target, path).toBeDefined();
  }
  expect(text).not.toContain("$defs");
  expect(text).not.toContain("prefixItems");
});

test.for<[string, object]>([
  ["kafka://one:9092,two:9092", { "log-1": { host: "one:9092", protocol: "kafka" }, "log-2": { host: "two:9092" } }],
  [
    "postgres://ada:secret@db:5432/events?sslmode=require",
    { log: { host: "db:5432", protocol: "postgres", pathname: "/events" } },
  ],
  ["tls://ada:s@cret@[::1]:4222", { log: { host: "[::1]:4222", protocol: "nats" } }],
])("the servers of the log are told without users and passwords: %s", ([eventLog, servers]) => {
  const told = asyncApiDocument({ title: "Shop", version: "1.2.3", services, eventLog });
  expect(isAsyncApi(told) || isAsyncApi.errors).toBe(true);
  expect(told.servers).toMatchObject(servers);
  expect(JSON.stringify(told.servers)).not.toMatch(/cret|ada/);
  expect(document).not.toHaveProperty("servers");
});

test("each event has a channel, one service that sends and those that receive", () => {
  expect(Object.values(channels).map(({ address }) => address)).toEqual(["shipping.sent", "shipping.lost"]);
  expect(
    Object.entries(operations).map(([id, { action, channel }]) => [
      id,
      action,
      channel.$ref.slice("#/channels/".length),
    ]),
  ).toEqual([
    ["shipping.sent.send", "send", "shipping.sent"],
    ["shipping.lost.send", "send", "shipping.lost"],
    ["billing.charge.receive", "receive", "shipping.sent"],
    ["billing.parcels.sent.receive", "receive", "shipping.sent"],
    ["billing.parcels.lost.receive", "receive", "shipping.lost"],
  ]);
});

test("what a log carries fits the payload, as does a later version with more in it; less does not", () => {
  const fits = new Ajv({ strict: false, validateFormats: false }).compile({
    ...components.messages["shipping.sent"]?.payload,
    components,
  });
  const data = { parcel: "p-1", lines: [{ sku: "a", at: [1, 2] }], by: "road" };
  const { body } = cloudEventOf({
    id: "0199aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee",
    type: "shipping.sent",
    tenant: "acme",
    key: "p-1",
    version: 7,
    at: Date.UTC(2026, 0, 1),
    data: JSON.stringify(data),
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    metadata: { channel: "web" },
  });
  const message = JSON.parse(new TextDecoder().decode(body));
  expect(fits(message) || fits.errors).toBe(true);
  expect(fits({ ...message, later: 1, data: { ...data, later: 1 } })).toBe(true);
  expect(fits({ ...message, type: "shipping.lost" })).toBe(false);
  expect(fits({ ...message, sequence: undefined })).toBe(false);
  expect(fits({ ...message, data: { ...data, by: undefined } })).toBe(false);
  expect(fits({ ...message, data: { ...data, lines: [{ sku: "a", at: ["x", 2] }] } })).toBe(false);
});

test("the gateway serves it", async () => {
  const { get } = await serve();
  const response = await get("/asyncapi.json");
  expect(response.headers.get("content-type")).toContain("application/json");
  expect(await response.json()).toMatchObject({ asyncapi: "3.0.0", info: { tags: [{ name: "shop" }] } });
});
