import type { Codec, CodecSession } from "@banyan/kernel/bus";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** Both ends of one direction of one link. */
function openPair(codec: Codec) {
  const [encoder, decoder] = [codec.open(), codec.open()];
  const pass = (value: unknown) => decoded(decoder, encoded(encoder, value));
  return { encoder, decoder, pass };
}

/** The bytes of one value, copied; the room grows only as far as it was asked for. */
function encoded(session: CodecSession, value: unknown): Buffer {
  const sink = {
    buffer: Buffer.alloc(8),
    at: 0,
    reserve(bytes: number) {
      if (sink.at + bytes > sink.buffer.length) sink.buffer = Buffer.concat([sink.buffer, Buffer.alloc(bytes)]);
    },
  };
  session.encode(value, sink);
  return Buffer.from(sink.buffer.subarray(0, sink.at));
}

/** A payload of no bytes is undefined; the link sees to that, and not the codec. */
function decoded(session: CodecSession, bytes: Buffer): unknown {
  return bytes.length === 0 ? undefined : session.decode(bytes, 0, bytes.length);
}

function asJson(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

class Money {
  readonly minor = 100;
  toJSON() {
    return `${this.minor} cents`;
  }
}

/** What JSON takes, leaves out, or makes something else of. */
const peculiar: readonly (readonly [string, unknown])[] = [
  ["text of any kind", { ascii: "a", latin: "ü", wide: "€𝄞", empty: "", nul: "\u0000", lone: "\ud800" }],
  ["text that is long", { ascii: "a".repeat(1_000_000), wide: "€".repeat(300_000), both: `${"a".repeat(70_000)}𝄞` }],
  ["numbers of any size", [0, -0, 1, -1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e300, 5e-324, 0.1]],
  ["what is no number", [Number.NaN, Infinity, -Infinity]],
  ["items that are not there", [undefined, ...new Array(1), Object.assign([], { 1: 1 })]],
  ["fields that are not there", { gone: undefined, call: () => 1, sign: Symbol("s") }],
  ["objects that say themselves what they are", { at: new Date(0), price: new Money(), bytes: Buffer.from("a") }],
  ["boxes and collections", [Object(1), Object("a"), new Map([[1, 2]]), new Set([1]), /a/, new Error("a")]],
  ["bytes", { typed: new Uint8Array(2), view: new Float64Array([0.5]) }],
  ["a toJSON of a plain object", { toJSON: () => ({ a: 1 }) }],
  ["names that mean something to an engine", JSON.parse('{"__proto__":{"admin":true},"constructor":1,"toString":2}')],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
  ["undefined by itself", undefined],
  ["null by itself", null],
  ["depth", JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`)],
];

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
/** Shapes that a session may have learnt. */
const learned = [{ id: 1, name: "a", on: true }, { items: [{ id: 2, name: "b", on: false }] }, "text", [1, 2]];

/** Holds a codec to what `Codec` promises: whoever is called cannot tell which codec carried a value. */
export function codecConformance(name: string, codec: Codec): void {
  describe(`${name} is a Codec`, () => {
    test("its name can be agreed on", () => {
      expect(codec.name).toMatch(/^[A-Za-z0-9-]{1,64}$/);
    });

    test.each(peculiar)("%s arrives as by JSON, the first time and later", (_, value) => {
      const { pass } = openPair(codec);
      for (let time = 0; time < 3; time++) {
        const arrived = pass(value);
        expect(arrived).toStrictEqual(asJson(value));
        expect(JSON.stringify(arrived)).toBe(JSON.stringify(asJson(value)));
      }
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    });

    test("any value arrives as by JSON, one behind the other in one session", () => {
      const { pass } = openPair(codec);
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue(), anything, records), (value) => {
          expect(pass(value)).toStrictEqual(asJson(value));
        }),
        { numRuns: 2_000 },
      );
    });

    test("more shapes than anyone remembers still arrive", () => {
      const { pass } = openPair(codec);
      for (let n = 0; n < 1_000; n++) {
        const value = { [`key${n}`]: n, [`other${n % 70}`]: { [`inner${n % 40}`]: [n] } };
        expect(pass(value)).toEqual(value);
      }
    });

    test("a BigInt and a circle throw what JSON throws, and the next value is none the worse", () => {
      const { pass } = openPair(codec);
      const circle: Record<string, unknown> = { a: 1 };
      circle.self = circle;
      expect(() => pass({ a: { b: 1n } })).toThrow(TypeError);
      expect(() => pass(circle)).toThrow(/circular/);
      expect(() =>
        pass({
          toJSON: () => {
            throw new Error("not now");
          },
        }),
      ).toThrow("not now");
      expect(pass({ a: 1 })).toEqual({ a: 1 });
    });

    test("a value keeps nothing of the bytes that it came in", () => {
      const { encoder, decoder } = openPair(codec);
      const value = { text: "a text that is long enough to be looked at in place", list: ["one", "two"] };
      const bytes = encoded(encoder, value);
      const arrived = decoded(decoder, bytes);
      bytes.fill(0xff);
      expect(arrived).toEqual(value);
    });

    test("sessions know nothing of each other", () => {
      const [one, other] = [openPair(codec), openPair(codec)];
      for (const value of [...learned, ...learned]) {
        expect([one.pass(value), other.pass(value)]).toEqual([value, value]);
      }
    });

    test("a session that missed what came before throws, or delivers what was sent", () => {
      const encoder = codec.open();
      for (const value of learned) encoded(encoder, value);
      for (const value of learned) {
        const bytes = encoded(encoder, value);
        const outcome = attempt(() => decoded(codec.open(), bytes));
        expect([value, undefined]).toContainEqual(outcome);
      }
    });

    test("bytes that are none of its own throw or become some value, and never more", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
          attempt(() => decoded(codec.open(), Buffer.from(bytes)));
        }),
        { numRuns: 3_000 },
      );
      const { encoder, decoder } = openPair(codec);
      for (const value of learned) decoded(decoder, encoded(encoder, value));
      const bytes = encoded(encoder, {
        items: Array.from({ length: 10 }, (_, id) => ({ id, name: `n${id}`, on: true })),
      });
      const places = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 });
      fc.assert(
        fc.property(places, fc.integer({ min: 1, max: bytes.length }), (mutations, length) => {
          const mutated = Buffer.from(bytes);
          for (const [at, byte] of mutations) mutated[at] = byte;
          for (const session of [codec.open(), decoder]) attempt(() => decoded(session, mutated.subarray(0, length)));
        }),
        { numRuns: 5_000 },
      );
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    });
  });
}

/** Undefined where it throws: an error, and nothing else. */
function attempt(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return undefined;
  }
}
