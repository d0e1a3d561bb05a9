import fc from "fast-check";
import { expect, test } from "vitest";
import { exchangeSource, exchangeTarget, type Pair } from "../src/exchange.ts";

const pair = (sourceCurrency: string, targetCurrency: string, rate: string): Pair => ({
  sourceCurrency,
  targetCurrency,
  rate,
});

test.each([
  [pair("EUR", "USD", "1.0842"), { sourceMinor: 100_00, targetMinor: 108_42, remainder: "0" }],
  [pair("EUR", "USD", "1.0842"), { sourceMinor: 1, targetMinor: 1, remainder: "0.0842" }],
  [pair("EUR", "JPY", "163.35"), { sourceMinor: 1_01, targetMinor: 164, remainder: "0.9835" }],
  [pair("JPY", "EUR", "0.0061"), { sourceMinor: 164, targetMinor: 100, remainder: "0.04" }],
  [pair("KWD", "JPY", "487.5"), { sourceMinor: 1, targetMinor: 0, remainder: "0.4875" }],
  [pair("JPY", "KWD", "0.00205"), { sourceMinor: 1_000, targetMinor: 2_050, remainder: "0" }],
])("at %j: %j", (rated, exchanged) => {
  expect(exchangeSource(rated, exchanged.sourceMinor)).toEqual(exchanged);
});

test("what is bought is paid in full: the price is rounded up", () => {
  expect(exchangeTarget(pair("EUR", "USD", "3"), 100)).toEqual({ sourceMinor: 34, targetMinor: 100, remainder: "2" });
  expect(exchangeTarget(pair("EUR", "USD", "1.0842"), 108_42)).toMatchObject({ sourceMinor: 100_00, remainder: "0" });
});

test("more than an amount can be is told", () => {
  expect(exchangeSource(pair("EUR", "USD", "2"), Number.MAX_SAFE_INTEGER)).toBeNull();
  expect(exchangeTarget(pair("EUR", "USD", "0.5"), Number.MAX_SAFE_INTEGER)).toBeNull();
});

const currencies = fc.constantFrom("EUR", "JPY", "KWD", "CLF");
const rates = fc
  .tuple(fc.integer({ min: 0, max: 9_999 }), fc.stringMatching(/^\d{1,10}$/))
  .map(([whole, fraction]) => `${whole}.${fraction}`)
  .filter((rate) => /[1-9]/.test(rate));

test("nothing is lost: source times rate is target and remainder, exactly, and the remainder is less than what one unit is", () => {
  fc.assert(
    fc.property(
      fc.tuple(currencies, currencies, rates),
      fc.integer({ min: 1, max: 1e12 }),
      ([source, target, rate], amount) => {
        const quoted = pair(source, target, rate);
        for (const exchanged of [exchangeSource(quoted, amount), exchangeTarget(quoted, amount)]) {
          if (exchanged === null) continue;
          const { sourceMinor, targetMinor, remainder } = exchanged;
          const digits = 40;
          const exponents: Record<string, number> = { EUR: 2, JPY: 0, KWD: 3, CLF: 4 };
          const shift = digits + (exponents[target] ?? 0) - (exponents[source] ?? 0);
          const exact = BigInt(sourceMinor) * scaled(rate, shift);
          expect(exact).toBe(scaled(String(targetMinor), digits) + scaled(remainder, digits));
        }
        const sold = exchangeSource(quoted, amount);
        if (sold !== null) expect(sold.remainder.startsWith("0")).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

function scaled(text: string, digits: number): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(digits, "0"));
}
