import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { currencies } from "../src/index.ts";
import { activeCurrencies, replacedCurrencies } from "../src/iso-4217.ts";

test("codes and numbers are unique and well formed", () => {
  const rows = [...activeCurrencies, ...replacedCurrencies];
  expect(new Set(rows.map(([code]) => code)).size).toBe(rows.length);
  expect(new Set(activeCurrencies.map(([, numeric]) => numeric)).size).toBe(activeCurrencies.length);
  for (const [code, numeric, exponent, name] of rows) {
    expect(code).toMatch(/^[A-Z]{3}$/);
    expect(numeric).toMatch(/^\d{3}$/);
    expect(exponent).toBeGreaterThanOrEqual(0);
    expect(exponent).toBeLessThanOrEqual(4);
    expect(name).not.toBe("");
  }
});

test.each([
  ["JPY", 0],
  ["VND", 0],
  ["EUR", 2],
  ["CZK", 2],
  ["KWD", 3],
  ["CLF", 4],
])("%s has %d digits", (code, exponent) => {
  expect(currencies.get(code)?.exponent).toBe(exponent);
});

const published = new URL("../../../../../shared/data/neopay/iso4217.csv", import.meta.url);

describe.skipIf(!existsSync(published))(
  "beside the published table (skipped where ../shared/data/neopay/iso4217.csv is absent)",
  () => {
    test("every currency in use with a minor unit is here, with its number and its exponent, and nothing else", () => {
      const rows = readFileSync(published, "utf8")
        .split(/\r?\n/)
        .map((line) => /,([A-Z]{3}),(\d*),([^,]*),$/.exec(line))
        .filter((match) => match !== null && /^\d$/.test(match[3] ?? ""))
        .map((match) => [match?.[1], match?.[2]?.padStart(3, "0"), Number(match?.[3])]);
      const expected = new Map(rows.map((row) => [row[0], row]));
      expect(expected.size).toBeGreaterThan(150);
      expect(activeCurrencies.map(([code, numeric, exponent]) => [code, numeric, exponent])).toEqual(
        [...expected.values()].toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
      );
    });
  },
);
