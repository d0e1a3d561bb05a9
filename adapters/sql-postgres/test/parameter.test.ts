import fc from "fast-check";
import { parse } from "postgres-array";
import { expect, test } from "vitest";
import { encodeParameter, textArray } from "../src/parameter.ts";

class Account {
  readonly id = 1;
}

test("scalars become their text, bytes stay bytes, null stays null", () => {
  expect(encodeParameter("a")).toBe("a");
  expect(encodeParameter(12.5)).toBe("12.5");
  expect(encodeParameter(true)).toBe("true");
  expect(encodeParameter(2n ** 62n)).toBe("4611686018427387904");
  expect(encodeParameter(null)).toBeNull();
  expect(encodeParameter(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
  expect(encodeParameter(new Uint8Array([1, 2]))).toEqual(Buffer.from([1, 2]));
});

test("a plain object becomes JSON", () => {
  expect(encodeParameter({ a: [1] })).toBe('{"a":[1]}');
  expect(encodeParameter(Object.create(null))).toBe("{}");
});

test("an array becomes an array literal, whatever its elements hold", () => {
  expect(encodeParameter([])).toBe("{}");
  expect(encodeParameter(["a", 'b"\\,{}', null, "NULL", ""])).toBe('{"a","b\\"\\\\,{}",NULL,"NULL",""}');
  expect(encodeParameter([1, true, [2n]])).toBe("{1,true,{2}}");
  expect(encodeParameter([Buffer.from("é")])).toBe('{"\\\\xc3a9"}');
  expect(encodeParameter([{ a: "x" }])).toBe('{"{\\"a\\":\\"x\\"}"}');
});

test.each([
  [undefined, /pass null/],
  [[undefined], /pass null/],
  [new Account(), /an instance of Account/],
  [new Map(), /an instance of Map/],
  [new Date(Number.NaN), /invalid Date/],
  [() => 1, /function/],
])("%o has no single meaning in SQL and is refused", (value, message) => {
  expect(() => encodeParameter(value)).toThrow(message);
});

test("a text in an array literal is what it was, whatever it holds, read by what other clients read arrays with", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.constantFrom('"', "\\", "\n", "\u0001", "\u2028", "😀", "NULL", ","),
  );
  fc.assert(
    fc.property(
      fc.array(
        fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join("")),
        { maxLength: 5 },
      ),
      (texts) => {
        expect(parse(encodeParameter(texts) as string)).toEqual(texts);
      },
    ),
  );
});

test("texts become a binary array: dimensions, no nulls, the type text, length and lower bound, then each with its length in bytes", () => {
  const head = "00000001 00000000 00000019 00000002 00000001";
  const texts = "00000003 c3a922 00000000";
  expect(textArray(['é"', ""]).toString("hex")).toBe(`${head}${texts}`.replaceAll(" ", ""));
});
