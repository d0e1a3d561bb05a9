import { MoneyError } from "./money-error.ts";

/**
 * Splits an amount by weights without losing a minor unit: the parts are whole, sum to `amountMinor`, and each differs
 * from its exact share by less than one. Units left over go to the largest remainders, ties to the earlier part
 * (Hamilton's method). A part of weight 0 gets 0. Throws MoneyError `weightsInvalid`: weights are non-negative safe
 * integers, at least one of them positive.
 */
export function allocate(amountMinor: number, weights: readonly number[]): number[] {
  if (!Number.isSafeInteger(amountMinor)) {
    throw new MoneyError("amountMalformed", String(amountMinor), `${amountMinor} is not a safe integer of minor units`);
  }
  const total = weights.reduce((sum, weight) => sum + checkedWeight(weight), 0n);
  if (total === 0n) throw new MoneyError("weightsInvalid", weights.join(","), "allocate needs a positive weight");
  const size = BigInt(Math.abs(amountMinor));
  const shares = weights.map((weight, index) => {
    const exact = size * BigInt(weight);
    return { index, part: exact / total, remainder: exact % total };
  });
  const left = Number(size - shares.reduce((sum, share) => sum + share.part, 0n));
  const byRemainder = shares.toSorted(
    (a, b) => Number(b.remainder > a.remainder) - Number(b.remainder < a.remainder) || a.index - b.index,
  );
  for (const share of byRemainder.slice(0, left)) share.part += 1n;
  return shares.map(({ part }) => (part === 0n ? 0 : Math.sign(amountMinor) * Number(part)));
}

function checkedWeight(weight: number): bigint {
  if (Number.isSafeInteger(weight) && weight >= 0) return BigInt(weight);
  throw new MoneyError(
    "weightsInvalid",
    String(weight),
    `${weight} is not a weight; weights are non-negative integers`,
  );
}
