import type { Balance, StatementEntry, Tie } from "./model.ts";
import { ParseError } from "./problem.ts";

type Movements = {
  currency: string;
  opening: Balance | null;
  closing: Balance | null;
  entries: readonly StatementEntry[];
};

/**
 * Ties a statement to the cent: opening + booked entries = closing, all in the account's currency. Entries that are
 * pending, future or informational move nothing. Throws ParseError when the sum leaves the safe integers.
 */
export function tie({ currency, opening, closing, entries }: Movements): Tie {
  if (!opening || !closing) return { ties: null, breakMinor: null, tieReason: "balancesMissing" };
  const booked = entries.filter((entry) => entry.status === "booked");
  if ([opening, closing, ...booked].some((amount) => amount.currency !== currency)) {
    return { ties: false, breakMinor: null, tieReason: "currencyDiffers" };
  }
  const moved = booked.reduce((sum, entry) => sum + BigInt(signedMinor(entry)), 0n);
  const breakMinor = Number(BigInt(closing.amountMinor) - BigInt(opening.amountMinor) - moved);
  if (!Number.isSafeInteger(breakMinor)) {
    throw new ParseError({ line: null, at: null }, "the entries sum to more than 2^53-1 minor units");
  }
  return { ties: breakMinor === 0, breakMinor, tieReason: breakMinor === 0 ? "tied" : "differs" };
}

/** The amount as the account's balance sees it: a debit is negative. */
export function signedMinor(entry: Pick<StatementEntry, "amountMinor" | "direction">): number {
  return entry.direction === "debit" && entry.amountMinor !== 0 ? -entry.amountMinor : entry.amountMinor;
}

/**
 * The opening and closing booked balance among those of a camt statement (ISO 20022 BalanceType12Code): OPBD, else PRCD
 * (the previous closing is this opening), and CLBD. Pages of one statement carry ITBD where they are cut: a first ITBD
 * opens a page that has no opening of its own, the last one closes a page that has no closing. Balances in the account's
 * currency come first; another currency is taken rather than none, so that the break is seen.
 */
export function bookedPair(
  balances: readonly Balance[],
  currency: string,
): { opening: Balance | null; closing: Balance | null } {
  const ofKind = (kind: string): Balance[] => {
    const all = balances.filter((balance) => balance.kind === kind);
    return all.toSorted((a, b) => Number(b.currency === currency) - Number(a.currency === currency));
  };
  const interim = ofKind("ITBD");
  const stated = ofKind("OPBD")[0] ?? ofKind("PRCD")[0] ?? null;
  const opening = stated ?? interim.shift() ?? null;
  const closing = ofKind("CLBD")[0] ?? interim.at(-1) ?? null;
  return { opening, closing };
}
