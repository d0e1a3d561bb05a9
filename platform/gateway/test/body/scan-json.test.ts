import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonScanner } from "../../src/body/scan-json.ts";
import { refusedByTheBook } from "./json-by-the-book.ts";

const depthMax = 8;
const scanner = new JsonScanner(depthMax);
const path = (text: string) => scanner.scan(text)?.path;

describe("a JSON text is refused before it is parsed", () => {
  test.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"\\u0061":1,"a":2}', "a"],
    ['{"x":[{"b":{}},{"a":1,"c":{},"a":1}]}', "x.1.a"],
    ['{"__proto__":{"admin":true}}', "__proto__"],
    ['{"a":{"__pro\\u0074o__":1}}', "a.__proto__"],
    ['{"constructor":{"prototype":{}}}', "constructor.prototype"],
    ['{"a":[{"constructor" : {"b":1,"prot\\u006ftype":{}}}]}', "a.0.constructor.prototype"],
    ['{"amount":9007199254740993}', "amount"],
    ['{"amount":-9007199254740992}', "amount"],
    ['{"legs":[{"amount":1},{"amount":1e400}]}', "legs.1.amount"],
    ['{"amount":1e16}', "amount"],
    ['{"amount":NaN}', "amount"],
    ['{"amount":-Infinity}', "amount"],
    ['{"a":{"text":"x\\u0000"}}', "a.text"],
    ['{"text":"\\ud800"}', "text"],
    ['{"text":"\\udc00\\ud800"}', "text"],
    ['{"text":"\\\\ud83d\\ude00"}', "text"],
  ])("%s, naming %s", (text, expected) => {
    expect(path(text)).toBe(expected);
  });

  test("nested too deep, however long it goes on", () => {
    expect(scanner.scan("[".repeat(depthMax))).toBeUndefined();
    expect(scanner.scan("[".repeat(depthMax + 1))?.reason).toContain("deeper than 8");
    const began = performance.now();
    expect(scanner.scan("[".repeat(10_000_000))).toBeDefined();
    expect(performance.now() - began).toBeLessThan(50);
  });

  test("whatever is repeated to make it slow: a megabyte in less than 200 ms", () => {
    const million = (part: string) => part.repeat(1_000_000 / part.length);
    const parts = [
      '{"prototype":1},',
      '{"constructor":{"x":1}},',
      '"\\u0061",',
      '{"\\u0061":1},',
      "1e999,",
      '"a":1,',
      "123456789012345678,",
      '{"a":',
    ];
    for (const part of parts) {
      for (const text of [`[${million(part)}1]`, `{"x":[${million(part)}1],"x":1}`, `{${million(part)}"a":1}`]) {
        const began = process.cpuUsage();
        scanner.scan(text);
        const { user, system } = process.cpuUsage(began);
        expect([part, (user + system) / 1_000 < 200]).toEqual([part, true]);
      }
    }
  });

  test("with a key given twice among thousands, in linear time", () => {
    const keys = Array.from({ length: 50_000 }, (_, index) => `"key${index}":0`);
    const began = performance.now();
    expect(scanner.scan(`{${keys.join(",")}}`)).toBeUndefined();
    expect(path(`{${keys.join(",")},"key7":1}`)).toBe("key7");
    expect(performance.now() - began).toBeLessThan(500);
  });
});

test.each([
  '{"a":{"b":1},"b":{"a":1,"b":2},"c":[{"a":1},{"a":1}]}',
  '[{"constructor":1},{"prototype":1},{"constructor":[{"prototype":1}]}]',
  '{"constructor":1,"prototype":{"x":1},"proto":{"constructor":{"name":"prototype"}}}',
  '{"amount":9007199254740991,"rate":0.1234567890123456789,"tiny":1e-400,"e":1E+2}',
  '{"text":"\\ud83d\\ude00 \\\\u0000 \\" {\\"a\\":1,\\"a\\":1} 9007199254740993 __proto__"}',
  ' \t\r\n{"a" : [ true , false , null , -0 ] } ',
  '"__proto__"',
  "[]",
])("what is plain is left alone: %s", (text) => {
  expect(scanner.scan(text)).toBeUndefined();
});

describe("against a parser written from the book", () => {
  const runs = { numRuns: 1_500 };

  test("every JSON text gets the verdict that a slow, recursive reading gives", () => {
    const key = fc.oneof(
      fc.constantFrom("a", "b", "__proto__", "constructor", "prototype", 'q"', "\\"),
      fc.string({ maxLength: 3 }),
    );
    const number = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt().map((value) => `${value}`),
      fc.constantFrom("1e400", "-1E308", "0.5e17"),
    );
    const { value } = fc.letrec<{ value: string; object: string; list: string; leaf: string }>((tie) => ({
      leaf: fc.oneof(
        number.map(String),
        fc.string({ maxLength: 6, unit: "binary" }).map((text) => JSON.stringify(text)),
        fc.constantFrom("true", "null"),
      ),
      object: fc
        .array(fc.tuple(key, tie("value"), fc.boolean()), { maxLength: 20 })
        .map((pairs) => `{${pairs.map(([name, held, escaped]) => `${written(name, escaped)}:${held}`).join(",")}}`),
      list: fc.array(tie("value"), { maxLength: 3 }).map((items) => `[ ${items.join(" ,")}]`),
      value: fc.oneof({ maxDepth: 4, depthSize: "small" }, tie("leaf"), tie("object"), tie("list")),
    }));
    fc.assert(
      fc.property(value, (text) => {
        JSON.parse(text);
        expect(scanner.scan(text) !== undefined).toBe(refusedByTheBook(text, depthMax));
      }),
      runs,
    );
  });

  test("a mutilated text never passes with a meaning that the book refuses, and never crashes", () => {
    const pieces = fc.array(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        '"a"',
        '"b"',
        "1",
        "1e999",
        "\\",
        "\\u",
        "0061",
        "null",
        " ",
        "é",
      ),
      { maxLength: 24 },
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join("");
        const isRefused = scanner.scan(text) !== undefined;
        if (isJson(text)) expect(isRefused).toBe(refusedByTheBook(text, depthMax));
      }),
      { numRuns: 10_000 },
    );
  });
});

function written(name: string, escaped: boolean): string {
  if (!escaped) return JSON.stringify(name);
  return `"${[...name]
    .flatMap((letter) => letter.split(""))
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("")}"`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
