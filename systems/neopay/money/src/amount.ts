import { currencyOf } from "./currency.ts";
import { MoneyError, quoted } from "./money-error.ts";

/** Largest amount or balance, in minor units: the integers that JSON readers in every language agree on. */
export const amountMinorMax = Number.MAX_SAFE_INTEGER;

// Longer texts cannot be a safe integer; the bound keeps hostile input from reaching BigInt.
const DECIMAL_CHARS_MAX = 40;
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?$|^([+-]?)\.(\d+)$/;

/**
 * The minor units of a decimal text, exactly: `parseDecimal("123.45", "CZK")` is 12345. A sign is kept; zero is 0.
 * Zeros beyond the currency's exponent are fine ("8.850" EUR); other digits there are refused, never rounded.
 * Throws MoneyError `currencyUnknown`, `amountMalformed`, `amountTooPrecise` or `amountTooLarge`, naming the value.
 */
export function parseDecimal(text: string, currency: string): number {
  const { exponent } = currencyOf(currency);
  const match = text.length <= DECIMAL_CHARS_MAX ? DECIMAL.exec(text) : null;
  if (!match) {
    throw new MoneyError("amountMalformed", text, `${quoted(text)} is not a decimal amount; write it as 123.45`);
  }
  const fraction = match[3] ?? match[5] ?? "";
  const kept = fraction.slice(0, exponent).padEnd(exponent, "0");
  if (/[1-9]/.test(fraction.slice(exponent))) {
    throw new MoneyError(
      "amountTooPrecise",
      text,
      `${quoted(text)} has more digits than ${currency} has (${exponent}); amounts are not rounded`,
    );
  }
  const digits = (match[2] ?? "") + kept;
  // Up to 15 digits are always safe; beyond that only BigInt can tell.
  if (digits.length > 15 && BigInt(digits) > BigInt(amountMinorMax)) {
    throw new MoneyError("amountTooLarge", text, `${quoted(text)} ${currency} exceeds ${amountMinorMax} minor units`);
  }
  const minor = Number(digits);
  return minor !== 0 && (match[1] ?? match[4]) === "-" ? -minor : minor;
}

/** The decimal text of minor units with all digits of the currency: `formatMinor(-5, "EUR")` is "-0.05". */
export function formatMinor(amountMinor: number, currency: string): string {
  const { exponent } = currencyOf(currency);
  if (!Number.isSafeInteger(amountMinor)) {
    throw new MoneyError("amountMalformed", String(amountMinor), `${amountMinor} is not a safe integer of minor units`);
  }
  const sign = amountMinor < 0 ? "-" : "";
  const digits = String(Math.abs(amountMinor)).padStart(exponent + 1, "0");
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
