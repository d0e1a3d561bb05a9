import { expect, test } from "vitest";
import { jsonInput } from "../src/program/json-input.ts";

const refusal = (text: string) => {
  try {
    jsonInput(text, "The input", "Try this.");
  } catch (error) {
    const { message, code, details, exitCode } = error as { message: string } & Record<string, unknown>;
    return { message, code, details, exitCode };
  }
  return undefined;
};

test("a key given twice is refused with its path, since only the last would count", () => {
  expect(refusal('{"reference":"a","postings":[{"amountMinor":1,"amountMinor":100}]}')).toEqual({
    message: "The input cannot be taken: postings.0.amountMinor: the key is given twice.",
    code: "cli.malformedInput",
    details: { field: "postings.0.amountMinor" },
    exitCode: 2,
  });
});

test("a number that would be rounded is refused; what is none of this is taken, and so is text that is no object", () => {
  expect(refusal('{"amountMinor":9007199254740993}')?.details).toEqual({ field: "amountMinor" });
  expect(refusal("{")?.message).toMatch(/^The input is no JSON: /);
  expect(jsonInput('[{"a":1},{"a":1}]', "The input", "")).toEqual([{ a: 1 }, { a: 1 }]);
  expect(jsonInput('"text"', "The input", "")).toBe("text");
});
