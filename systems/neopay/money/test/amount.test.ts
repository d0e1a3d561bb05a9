import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amountMinorMax, currencies, formatMinor, MoneyError, parseDecimal } from "../src/index.ts";

const anyCurrency = fc.constantFrom(...currencies.keys());
const anyMinor = fc.integer({ min: -amountMinorMax, max: amountMinorMax });

/** The fault code of a refusal, so that a test can name it. */
function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MoneyError) return error.code;
    throw error;
  }
  return "accepted";
}

describe("parseDecimal", () => {
  test.each([
    ["123.45", "CZK", 12345],
    ["0.01", "EUR", 1],
    [".5", "EUR", 50],
    ["7.", "EUR", 700],
    ["8.850", "EUR", 885],
    ["8.85000", "EUR", 885],
    ["2700", "JPY", 2700],
    ["2700.000", "JPY", 2700],
    ["1.234", "KWD", 1234],
    ["0.0001", "CLF", 1],
    ["-8.85", "EUR", -885],
    ["+8.85", "EUR", 885],
    ["-0.00", "EUR", 0],
    ["0000000000000000000001.00", "EUR", 100],
    ["90071992547409.91", "EUR", 9007199254740991],
  ])("reads %s %s as %d", (text, currency, minor) => {
    expect(parseDecimal(text, currency)).toBe(minor);
  });

  test.each([
    ["8.855", "EUR", "amountTooPrecise"],
    ["0.00001", "EUR", "amountTooPrecise"],
    ["2700.5", "JPY", "amountTooPrecise"],
    ["90071992547409.92", "EUR", "amountTooLarge"],
    ["", "EUR", "amountMalformed"],
    [".", "EUR", "amountMalformed"],
    ["-", "EUR", "amountMalformed"],
    ["1,5", "EUR", "amountMalformed"],
    ["1e3", "EUR", "amountMalformed"],
    ["0x10", "EUR", "amountMalformed"],
    [" 1", "EUR", "amountMalformed"],
    ["1.2.3", "EUR", "amountMalformed"],
    ["١٢", "EUR", "amountMalformed"],
    ["NaN", "EUR", "amountMalformed"],
    ["1".repeat(10_000), "EUR", "amountMalformed"],
    ["1", "eur", "currencyUnknown"],
    ["1", "XXX", "currencyUnknown"],
    ["1", "__proto__", "currencyUnknown"],
  ])("refuses %j %s as %s", (text, currency, code) => {
    expect(refusal(() => parseDecimal(text, currency))).toBe(code);
  });

  test("names the refused value and keeps the message short", () => {
    expect(() => parseDecimal("8.855", "EUR")).toThrow(/"8.855" has more digits than EUR has \(2\)/);
    expect(() => parseDecimal("9".repeat(5000), "EUR")).toThrow(/^.{1,160}$/);
  });

  test("undoes formatMinor for every currency and every safe integer", () => {
    fc.assert(
      fc.property(anyMinor, anyCurrency, (minor, currency) => {
        expect(parseDecimal(formatMinor(minor, currency), currency)).toBe(minor);
      }),
    );
  });

  test("ignores zeros beyond the exponent and refuses any other digit there", () => {
    const digits = fc.string({
      unit: fc.constantFrom(..."0123456789"),
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.nat(1_000_000), anyCurrency, digits, (minor, currency, beyond) => {
        const text = formatMinor(minor, currency);
        const longer = (text.includes(".") ? text : `${text}.`) + beyond;
        if (/^0+$/.test(beyond)) expect(parseDecimal(longer, currency)).toBe(minor);
        else expect(refusal(() => parseDecimal(longer, currency))).toBe("amountTooPrecise");
      }),
    );
  });
});

describe("formatMinor", () => {
  test.each([
    [12345, "CZK", "123.45"],
    [-5, "EUR", "-0.05"],
    [0, "EUR", "0.00"],
    [2700, "JPY", "2700"],
    [-1, "KWD", "-0.001"],
  ])("writes %d %s as %s", (minor, currency, text) => {
    expect(formatMinor(minor, currency)).toBe(text);
  });

  test("refuses what is not a safe integer", () => {
    expect(refusal(() => formatMinor(0.5, "EUR"))).toBe("amountMalformed");
    expect(refusal(() => formatMinor(2 ** 53, "EUR"))).toBe("amountMalformed");
  });
});
