import { codecConformance } from "@banyan/conformance/codec";
import { expect, test } from "vitest";
import { recordsCodec } from "../../src/bus/records/records-codec.ts";

codecConformance("records", recordsCodec);

/** Both ends of one direction of one link. */
function openPair() {
  const [encoder, decoder] = [recordsCodec.open(), recordsCodec.open()];
  const bytes = (value: unknown) => {
    const sink = { buffer: Buffer.alloc(100_000), at: 0, reserve() {} };
    encoder.encode(value, sink);
    return sink.buffer.subarray(0, sink.at);
  };
  const decode = (sent: Buffer) => decoder.decode(sent, 0, sent.length);
  return { bytes, decode, pass: (value: unknown) => decode(bytes(value)) };
}

/** Records with names of their own. */
const strange = (n: number) => ({ [`name${n}`]: { [`other${n}`]: n } });

test("names travel once", () => {
  const { bytes } = openPair();
  const first = bytes({ customer: "a", balance: 1 }).length;
  expect(bytes({ customer: "b", balance: 2 }).length).toBeLessThan(first - "customerbalance".length);
});

test("a shape of a value that travelled as JSON is sent with the next record of it", () => {
  const { bytes, decode } = openPair();
  const asJson = bytes([{ id: 1 }, { at: new Date(0) }]);
  const record = bytes([{ id: 2 }]);
  expect(asJson.toString()).toContain('[{"id":1},{"at":"1970-01-01T00:00:00.000Z"}]');
  expect(decode(record)).toEqual([{ id: 2 }]);
});

test("a session that has learnt too many names forgets them, and goes on", () => {
  const { bytes, decode } = openPair();
  const known = { customer: "a" };
  const first = bytes(known);
  decode(first);
  const again = bytes(known);
  decode(again);
  for (let n = 0; n < 2_000; n++) expect(decode(bytes(strange(n)))).toEqual(strange(n));
  const anew = bytes(known);
  expect(again.length).toBeLessThan(first.length);
  expect(anew.length).toBeGreaterThanOrEqual(first.length);
  expect(decode(anew)).toEqual(known);
});

test("names of values that travel as JSON are forgotten too", () => {
  const { bytes, pass } = openPair();
  pass({ customer: "a" });
  for (let n = 0; n < 12_000; n++) bytes({ ...strange(n), at: new Date(0) });
  for (const customer of ["b", "c"]) expect(pass({ customer })).toEqual({ customer });
});

test("what comes twice is read twice, and nothing after it is the worse", () => {
  const { bytes, decode } = openPair();
  const values = [{ a: 1 }, { b: "x", a: 2 }, [{ c: { a: 3 } }], { a: 4 }];
  for (const value of values) {
    const sent = bytes(value);
    expect([decode(sent), decode(sent)]).toEqual([value, value]);
  }
});

test("more shapes and names than a session remembers go as JSON", () => {
  const many = Array.from({ length: 2_000 }, (_, n) => strange(n));
  const wide = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`name${n}`, n]));
  const { bytes, decode } = openPair();
  for (const value of [many, wide]) {
    const sent = bytes(value);
    expect(decode(sent)).toEqual(value);
    expect(sent.toString()).toContain(JSON.stringify(value));
  }
});

test("who sends more shapes and names than a session remembers is not read", () => {
  const payload = (behind: unknown) => {
    const text = Buffer.from(JSON.stringify(behind));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([Buffer.of(2, 0), text, length]);
  };
  const shapes = (count: number, names: number) =>
    Array.from({ length: count }, () => Array.from({ length: names }, (_, n) => `name${n}`));
  const { decode } = openPair();
  expect(decode(payload([0, shapes(1_024, 1), []]))).toBeNull();
  expect(() => decode(payload([1_024, shapes(1, 1), []]))).toThrow("more shapes");
  expect(() => openPair().decode(payload([1, shapes(1, 1), []]))).toThrow("no number");
  expect(() => decode(payload([0, shapes(1, 1_001), []]))).toThrow("more names");
});
