import * as z from "zod";
import { allocate } from "./allocate.ts";
import { amountMinorMax } from "./amount.ts";
import { accountAddress } from "./schemas.ts";

const partMinor = z.int().min(0).max(amountMinorMax);

/**
 * What taking a payment costs: `basisPoints` (1/10,000) of the amount, rounded half up, plus `fixedMinor`; at least `minimumMinor`
 * and at most `maximumMinor` (null: without bound), and never more than the amount. `shares` says who gets it, by weight.
 */
export const feePlan = z
  .strictObject({
    basisPoints: z.int().min(0).max(10_000),
    fixedMinor: partMinor.default(0),
    minimumMinor: partMinor.default(0),
    maximumMinor: partMinor.nullable().default(null),
    shares: z
      .array(z.strictObject({ account: accountAddress, weight: z.int().min(1).max(1_000_000) }))
      .min(1)
      .max(10)
      .refine((shares) => new Set(shares.map(({ account }) => account)).size === shares.length, {
        error: "must name each account once",
      }),
  })
  .refine(({ minimumMinor, maximumMinor }) => maximumMinor === null || minimumMinor <= maximumMinor, {
    path: ["maximumMinor"],
    error: "must not be below minimumMinor",
  });
/** A fee plan, with its defaults filled in. */
export type FeePlan = z.output<typeof feePlan>;

/** The fee of an amount that is taken at once, in minor units. */
export function feeOf(plan: Omit<FeePlan, "shares">, amountMinor: number): number {
  const rate = (BigInt(amountMinor) * BigInt(plan.basisPoints) + 5_000n) / 10_000n;
  let fee = rate + BigInt(plan.fixedMinor);
  if (fee < BigInt(plan.minimumMinor)) fee = BigInt(plan.minimumMinor);
  if (plan.maximumMinor !== null && fee > BigInt(plan.maximumMinor)) fee = BigInt(plan.maximumMinor);
  return Number(fee < BigInt(amountMinor) ? fee : BigInt(amountMinor));
}

/**
 * The fee of one part, after `takenMinor` were taken before it. However an amount is cut, the fees of its parts add up to the fee
 * of the whole, and no part costs more than it brings.
 */
export function feeOfPart(plan: Omit<FeePlan, "shares">, takenMinor: number, partMinor: number): number {
  return feeOf(plan, takenMinor + partMinor) - feeOf(plan, takenMinor);
}

/** A fee over the plan's accounts, without a lost minor unit; accounts that get nothing are left out. */
export function shareFee(
  { shares }: Pick<FeePlan, "shares">,
  feeMinor: number,
): { account: string; amountMinor: number }[] {
  const parts = allocate(
    feeMinor,
    shares.map(({ weight }) => weight),
  );
  return shares.flatMap(({ account }, at) => {
    const amountMinor = parts[at] ?? 0;
    return amountMinor === 0 ? [] : [{ account, amountMinor }];
  });
}
