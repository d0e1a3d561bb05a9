import { describe, expect, test } from "vitest";
import { toJSONSchema } from "zod";
import { accountAddress, amountMinor, balanceMinor, currencyCode } from "../src/index.ts";

test.each([
  [1, true],
  [9007199254740991, true],
  [0, false],
  [-1, false],
  [1.5, false],
  [9007199254740992, false],
  ["1", false],
  [null, false],
  [Number.NaN, false],
])("amountMinor: %j is accepted: %s", (value, accepted) => {
  expect(amountMinor.safeParse(value).success).toBe(accepted);
});

test("balanceMinor takes negatives, within the safe integers", () => {
  expect(balanceMinor.safeParse(-9007199254740991).success).toBe(true);
  expect(balanceMinor.safeParse(-9007199254740992).success).toBe(false);
});

test.each([
  ["CZK", true],
  ["JPY", true],
  ["HRK", true],
  ["czk", false],
  ["XAU", false],
  ["ZZZ", false],
  ["constructor", false],
])("currencyCode: %s is accepted: %s", (value, accepted) => {
  expect(currencyCode.safeParse(value).success).toBe(accepted);
});

describe("accountAddress", () => {
  test.each(["world:bank", "users:alice:wallet", "berka:25", "bank:NL26VAYB8060476890", "a", "a.b-c_d:E"])(
    "takes %s",
    (address) => {
      expect(accountAddress.parse(address)).toBe(address);
    },
  );

  test.each(["", ":", "a:", ":a", "a::b", "a b", "a/b", "ä", `${"a:".repeat(10)}a`, "x".repeat(65), "a\n"])(
    "refuses %j",
    (address) => {
      expect(accountAddress.safeParse(address).success).toBe(false);
    },
  );
});

test("every schema has a JSON Schema, in and out", () => {
  for (const schema of [amountMinor, balanceMinor, currencyCode, accountAddress]) {
    expect(toJSONSchema(schema, { io: "input" })).toHaveProperty("type");
    expect(toJSONSchema(schema, { io: "output" })).toHaveProperty("type");
  }
});
