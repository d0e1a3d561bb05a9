import { randomInt } from "node:crypto";
import type { CodecSession } from "@banyan/kernel/bus";
import fc from "fast-check";
import { expect, test } from "vitest";
import { msgpackCodec } from "../src/index.ts";

/** Both ends of one direction of one connection. */
function openPair() {
  const [encoder, decoder] = [msgpackCodec.open(), msgpackCodec.open()];
  const bytes = (value: unknown) => encoded(encoder, value);
  return {
    bytes,
    pass: (value: unknown) => {
      const sent = bytes(value);
      return sent.length === 0 ? undefined : decoder.decode(sent, 0, sent.length);
    },
  };
}

function encoded(session: CodecSession, value: unknown): Buffer {
  const sink = {
    buffer: Buffer.alloc(16),
    at: 0,
    reserve(bytes: number) {
      if (sink.at + bytes <= sink.buffer.length) return;
      sink.buffer = Buffer.concat([sink.buffer, Buffer.alloc(bytes)]);
    },
  };
  session.encode(value, sink);
  return sink.buffer.subarray(0, sink.at);
}

const asJson = (value: unknown) => {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
};

const own = JSON.parse('{"__proto__":{"admin":true},"constructor":1}');
class Money {
  readonly minor = 100;
  toJSON() {
    return `${this.minor} cents`;
  }
}

test.each([
  ["text of any kind", { ascii: "a", latin: "ü", wide: "€𝄞", empty: "", nul: "\u0000", lone: "\ud800" }],
  ["numbers of any size", [0, -0, 1, -1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e300, 5e-324, 0.1]],
  ["what is no number", [Number.NaN, Infinity, -Infinity]],
  [
    "fields and items that are not there",
    {
      gone: undefined,
      list: [undefined, ...new Array(1), 1],
      hole: Object.assign([], { 1: 1 }),
      call: () => 1,
      sign: Symbol("s"),
    },
  ],
  ["objects that say themselves what they are", { at: new Date(0), price: new Money(), bytes: Buffer.from("a") }],
  [
    "boxes and collections",
    [Object(1), Object("a"), new Map([[1, 2]]), new Set([1]), /a/, new Error("a"), new Uint8Array(2)],
  ],
  ["a toJSON of a plain object", { toJSON: () => ({ a: 1 }) }],
  ["names that mean something to an engine", own],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
  ["undefined by itself", undefined],
  ["null by itself", null],
  ["depth", JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`)],
])("%s arrives as by JSON", (_, value) => {
  const { pass } = openPair();
  for (let time = 0; time < 3; time++) {
    const arrived = pass(value);
    expect(arrived).toStrictEqual(asJson(value));
    expect(JSON.stringify(arrived)).toBe(JSON.stringify(asJson(value)));
  }
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});

test("any value arrives as by JSON, one behind the other on one connection", () => {
  const { pass } = openPair();
  const anything = fc.anything({
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
  });
  const records = fc.array(
    fc.record({ id: fc.nat(), name: fc.string(), tags: fc.array(fc.string()), more: fc.jsonValue() }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), anything, records), (value) => {
      expect(pass(value)).toStrictEqual(asJson(value));
    }),
    { numRuns: 3_000 },
  );
});

test("a bigint and a circle throw what JSON throws, and the next value is none the worse", () => {
  const { pass } = openPair();
  const circle: Record<string, unknown> = { a: 1 };
  circle.self = circle;
  expect(() => pass({ a: 1n })).toThrow(TypeError);
  expect(() => pass(circle)).toThrow(/circular/);
  expect(pass({ a: 1 })).toEqual({ a: 1 });
});

test("names travel once", () => {
  const { bytes } = openPair();
  const first = bytes({ customer: "a", balance: 1 }).length;
  expect(bytes({ customer: "b", balance: 2 }).length).toBeLessThan(first - "customerbalance".length);
});

test("more shapes than are remembered still arrive", () => {
  const { pass } = openPair();
  for (let i = 0; i < 2_000; i++) {
    const value = { [`key${i}`]: i, [`other${i % 70}`]: { [`inner${i % 40}`]: [i] } };
    expect(pass(value)).toEqual(value);
  }
});

test("bytes that are none of its own throw or become some value, and never more", () => {
  const source = openPair().bytes({
    items: Array.from({ length: 10 }, (_, i) => ({ id: i, name: `n${i}`, on: i % 2 === 0 })),
  });
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(source);
    for (let times = randomInt(1, 4); times > 0; times--) bytes.writeUInt8(randomInt(256), randomInt(bytes.length));
    try {
      msgpackCodec.open().decode(bytes, 0, randomInt(1, bytes.length + 1));
    } catch {}
  }
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});
