import fc from "fast-check";
import { serialize } from "pg-protocol";
import { expect, test } from "vitest";
import { Frame } from "../src/frame.ts";
import type { EncodedParameter } from "../src/parameter.ts";

const parameter = fc.oneof(
  fc.constant(null),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
);

test("its messages are those of pg's serializer, byte for byte", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 100 }),
      fc.array(parameter, { maxLength: 10 }),
      (text, values) => {
        const sqlText = text.replaceAll("\0", "");
        const frame = new Frame();
        frame.close("s1");
        frame.parse("s2", sqlText);
        frame.describe("s2");
        frame.bindAndExecute("s2", values);
        const expected = [
          serialize.close({ type: "S", name: "s1" }),
          serialize.parse({ name: "s2", text: sqlText, types: [] }),
          serialize.describe({ type: "S", name: "s2" }),
          inOneFormat(serialize.bind({ statement: "s2", values }), values),
          serialize.execute({}),
          serialize.sync(),
        ];
        expect(frame.sync().toString("hex")).toBe(Buffer.concat(expected).toString("hex"));
      },
    ),
  );
});

test("a batch larger than any before grows the frame, and small ones follow", () => {
  const large = "é".repeat(3_000_000);
  const frame = new Frame();
  frame.bindAndExecute("s1", [large, large]);
  const bytes = frame.sync();
  expect(bytes.length).toBeGreaterThan(12_000_000);
  expect(bytes.subarray(bytes.length - 100 - 15, bytes.length - 17).toString()).toMatch(/^\p{L}+$/u);
  frame.close("s1");
  expect(frame.sync()).toEqual(Buffer.concat([serialize.close({ type: "S", name: "s1" }), serialize.sync()]));
  expect(frame.flush()).toEqual(serialize.flush());
});

/** Ours names no formats where none is needed: for parameters that are all text, and for results. Both mean the same. */
function inOneFormat(bind: Buffer, values: readonly EncodedParameter[]): Buffer {
  const head = bind.subarray(1 + 4, 1 + 4 + 1 + 3);
  const formats = values.some(Buffer.isBuffer) ? bind.subarray(9, 11 + 2 * values.length) : Buffer.from([0, 0]);
  const body = Buffer.concat([
    head,
    formats,
    bind.subarray(11 + 2 * values.length, bind.length - 4),
    Buffer.from([0, 0]),
  ]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([bind.subarray(0, 1), length, body]);
}
