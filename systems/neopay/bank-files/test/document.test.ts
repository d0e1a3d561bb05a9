import { expect, test } from "vitest";
import { decodeDocument, parseStatements } from "../src/document.ts";

const utf16 = (text: string): Uint8Array => Buffer.from(`\uFEFF${text}`, "utf16le");

test.each([
  ["UTF-8", Buffer.from("Škoda"), "Škoda"],
  ["UTF-8 with a mark", Buffer.from("\uFEFFŠkoda"), "Škoda"],
  ["UTF-16, little end first", utf16("Škoda"), "Škoda"],
  ["UTF-16, big end first", Buffer.from(utf16("Škoda")).swap16(), "Škoda"],
  ["the Windows code page, undeclared", Buffer.from([0x8a, 0x6b, 0x6f, 0x64, 0x61]), "Škoda"],
])("%s is decoded", (_, bytes, text) => {
  expect(decodeDocument(bytes)).toBe(text);
});

test("XML in UTF-16 without a mark is known by its first character", () => {
  const xml = '<?xml version="1.0" encoding="UTF-16"?><a>Škoda</a>';
  const little = Buffer.from(xml, "utf16le");
  expect(decodeDocument(little)).toBe(xml);
  expect(decodeDocument(Buffer.from(little).swap16())).toBe(xml);
});

test("what is no text is refused with its line", () => {
  const error = (() => {
    try {
      decodeDocument(Buffer.from("a\nb\u0000c"));
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toMatchObject({ line: 2, message: "the file holds a zero character: it is no text" });
});

test("a declared encoding is followed, and a false one refused", () => {
  const latin = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', "latin1");
  expect(decodeDocument(latin)).toContain("<a>é</a>");
  expect(() => decodeDocument(Buffer.from('<?xml version="1.0" encoding="x-none"?><a/>'))).toThrow(/encoding x-none/);
});

test.each([
  ["\n <?xml", /not well-formed/],
  ["<Document/>", /namespace/],
  [":20:X", /ends without :25:/],
  ["{1:F01X}{4:\n:20:X", /ends without :25:/],
  ["BANK\n940\n:20:X", /ends without :25:/],
  ["account;amount", /lacks the column/],
  ["", /lacks the column/],
])("%j is told by how it begins", (content, reason) => {
  expect(parseStatements(content).problems).toMatchObject([{ reason: expect.stringMatching(reason) }]);
});

test.each([
  ["a zero character", ":20:A\n:25:\u0000", /zero character/],
  [
    "an id of 300 characters",
    `account;currency;bookedOn;amount;statement\nA;EUR;2026-01-05;5,00;${"x".repeat(300)}`,
    /exceeds 200/,
  ],
])("%s is refused before a store would choke on it", (_, content, reason) => {
  expect(parseStatements(content)).toMatchObject({
    statements: [],
    problems: [{ reason: expect.stringMatching(reason) }],
  });
});

test("half a surrogate pair becomes the replacement character", () => {
  const content = "account;currency;bookedOn;amount;description\nA;EUR;2026-01-05;5,00;\ud800\n";
  expect(parseStatements(content).statements[0]?.entries[0]?.description).toBe("\ufffd");
});
