import { amountMinorMax, currencyOf } from "@banyan/neopay-money";

/** Two currencies and how many units of the target one unit of the source is worth, as decimal text. */
export interface Pair {
  readonly sourceCurrency: string;
  readonly targetCurrency: string;
  readonly rate: string;
}

/** What changes hands. `remainder` is what rounding keeps, in minor units of the target, as exact decimal text: 0 or more. */
export interface Exchanged {
  readonly sourceMinor: number;
  readonly targetMinor: number;
  readonly remainder: string;
}

/** What an amount of the source buys: rounded down to a minor unit of the target. Null beyond what an amount can be. */
export function exchangeSource(pair: Pair, sourceMinor: number): Exchanged | null {
  const { worth, unit } = scaleOf(pair);
  return exchanged(pair, BigInt(sourceMinor), (BigInt(sourceMinor) * worth) / unit);
}

/** What an amount of the target costs: rounded up to a minor unit of the source. Null beyond what an amount can be. */
export function exchangeTarget(pair: Pair, targetMinor: number): Exchanged | null {
  const { worth, unit } = scaleOf(pair);
  const cost = BigInt(targetMinor) * unit;
  return exchanged(pair, (cost + worth - 1n) / worth, BigInt(targetMinor));
}

function exchanged(pair: Pair, source: bigint, target: bigint): Exchanged | null {
  if (source > BigInt(amountMinorMax) || target > BigInt(amountMinorMax)) return null;
  const { worth, unit, digits } = scaleOf(pair);
  const left = source * worth - target * unit;
  return { sourceMinor: Number(source), targetMinor: Number(target), remainder: decimal(left, digits) };
}

/**
 * One minor unit of the source is worth `worth` / `unit` minor units of the target; both whole, so that nothing is ever rounded
 * but the result. `unit` is 10 to the power of `digits`.
 */
function scaleOf({ sourceCurrency, targetCurrency, rate }: Pair): { worth: bigint; unit: bigint; digits: number } {
  const [whole = "", fraction = ""] = rate.split(".");
  const digits = fraction.length + currencyOf(sourceCurrency).exponent;
  const worth = BigInt(whole + fraction) * 10n ** BigInt(currencyOf(targetCurrency).exponent);
  return { worth, unit: 10n ** BigInt(digits), digits };
}

/** 1 over 10 to the power of `digits`, as often as `count` says. */
function decimal(count: bigint, digits: number): string {
  const text = count.toString().padStart(digits + 1, "0");
  const fraction = text.slice(text.length - digits).replace(/0+$/, "");
  const whole = text.slice(0, text.length - digits);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
