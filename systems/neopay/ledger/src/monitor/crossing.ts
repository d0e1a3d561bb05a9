import type { BalanceCrossed } from "./schemas.ts";

/*
 * A monitor of an account's balance, in numbered rules:
 * M1  It watches `balanceMinor`, what is posted: a hold moves that when it is committed, and not while it is pending.
 * M2  A transaction crosses it that leaves the balance beyond the threshold, below or above and not at it, where it was not before.
 *     A transaction counts with all its legs: what the balance would be between two of them does not matter.
 * M3  Each crossing is told once, in the commit of its transaction. Coming back is not told; after it there can be another crossing.
 * M4  It begins with the balance that it finds. Where that is beyond the threshold already, nothing is told before it has come back.
 */

/** What posting needs to know of a monitor, as it stands on the account's row. */
export type Threshold = Pick<BalanceCrossed, "monitorId" | "reference" | "direction" | "thresholdMinor">;

/** What a transaction crossed; which one that is stands in none of the books. */
export type Crossing = Omit<BalanceCrossed, "transactionId" | "seq" | "recordedAt">;

/** M2: whether the balance is past the threshold. */
export function isBeyond(
  { direction, thresholdMinor }: Pick<Threshold, "direction" | "thresholdMinor">,
  balanceMinor: number,
): boolean {
  return direction === "below" ? balanceMinor < thresholdMinor : balanceMinor > thresholdMinor;
}

interface Moved {
  readonly address: string;
  readonly currency: string;
  readonly monitors: readonly Threshold[] | null;
}

/** M2: what is crossed as the account's balance goes from the one to the other, in the order in which the monitors were set. */
export function crossingsOf(account: Moved, balanceBeforeMinor: number, balanceAfterMinor: number): Crossing[] {
  const { address, currency, monitors } = account;
  return (monitors ?? [])
    .filter((monitor) => !isBeyond(monitor, balanceBeforeMinor) && isBeyond(monitor, balanceAfterMinor))
    .map((monitor) => ({ ...monitor, account: address, currency, balanceBeforeMinor, balanceAfterMinor }));
}
