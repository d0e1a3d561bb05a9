import { cloudEventOf, eventOf } from "@banyan/kernel/log";
import type { StoredEvent } from "@banyan/kernel/store";
import { expect, test } from "vitest";

const event: StoredEvent = {
  id: "0199a000-0000-7000-8000-000000000001",
  type: "ledger.posted",
  tenant: "acme",
  key: 'wallet:"ada"/1',
  version: 3,
  at: Date.UTC(2026, 10, 21, 12, 30, 0, 5),
  data: '{"amountMinor":9007199254740991,"text":"ümläut \\u0000"}',
  traceId: "0af7651916cd43dd8448eb211c80319c",
  metadata: { channel: "atm" },
};

const read = (envelope: object) => eventOf(new TextEncoder().encode(JSON.stringify(envelope)));
const envelope = (changes: object = {}) => ({
  ...JSON.parse(new TextDecoder().decode(cloudEventOf(event).body)),
  ...changes,
});

test("an event becomes a CloudEvents envelope, and the same event again", () => {
  const message = cloudEventOf(event);
  expect(message).toMatchObject({ id: event.id, type: "ledger.posted", key: 'acme/wallet:"ada"/1' });
  expect(envelope()).toEqual({
    specversion: "1.0",
    id: event.id,
    source: "/banyan/ledger",
    type: "ledger.posted",
    time: "2026-11-21T12:30:00.005Z",
    datacontenttype: "application/json",
    subject: event.key,
    partitionkey: `acme/${event.key}`,
    sequence: "3",
    tenant: "acme",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00",
    metadata: '{"channel":"atm"}',
    data: JSON.parse(event.data),
  });
  expect(eventOf(message.body)).toEqual({ ...event, data: JSON.stringify(JSON.parse(event.data)) });
  expect(eventOf(cloudEventOf({ ...event, metadata: {} }).body)).toMatchObject({ metadata: {} });
});

test.for([
  ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe), "no JSON object"],
  ["no JSON", new TextEncoder().encode("{"), "no JSON object"],
  ["an array", new TextEncoder().encode("[]"), "no JSON object"],
] as const)("%s is told apart", ([, body, reason]) => {
  expect(eventOf(body)).toBe(reason);
});

test.for([
  [{ specversion: "0.3" }, "no CloudEvents 1.0"],
  [{ id: "1" }, "its id is no UUID"],
  [{ type: "com.example.object.deleted" }, "its type is no name of an event"],
  [{ subject: 1 }, "it has no subject or no tenant"],
  [{ sequence: "0" }, "its sequence is no version"],
  [{ sequence: undefined }, "its sequence is no version"],
  [{ time: "yesterday" }, "its time is none"],
  [{ data: undefined }, "it has no data"],
  [{ metadata: "[]" }, "its metadata is no object of texts"],
  [{ metadata: '{"a":1}' }, "its metadata is no object of texts"],
] as const)("an envelope with %o: %s", ([changes, reason]) => {
  expect(read(envelope(changes))).toBe(reason);
});
