import { activeCurrencies, type CurrencyRow, replacedCurrencies } from "./iso-4217.ts";
import { MoneyError, quoted } from "./money-error.ts";

/** One currency: `exponent` is the number of digits of its minor unit (JPY 0, EUR 2, KWD 3, CLF 4). */
export type Currency = {
  readonly code: string;
  readonly numeric: string;
  readonly exponent: number;
  readonly name: string;
};

const toCurrency = ([code, numeric, exponent, name]: CurrencyRow): Currency => ({ code, numeric, exponent, name });

/** Every currency that an amount can be stated in, by code; those in use first, then those replaced since 2016. */
export const currencies: ReadonlyMap<string, Currency> = new Map(
  [...activeCurrencies, ...replacedCurrencies].map((row) => [row[0], toCurrency(row)]),
);

/** True for a code that amounts can be stated in. Codes are upper case, as the standard writes them. */
export function isCurrencyCode(code: string): boolean {
  return currencies.has(code);
}

/** The currency of a code. Throws MoneyError `currencyUnknown`, naming the code. */
export function currencyOf(code: string): Currency {
  const currency = currencies.get(code);
  if (currency) return currency;
  throw new MoneyError(
    "currencyUnknown",
    code,
    `${quoted(code)} is not an ISO 4217 currency with a minor unit; use a code such as EUR or CZK`,
  );
}
