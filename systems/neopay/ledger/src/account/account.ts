import type { Threshold } from "../monitor/crossing.ts";
import type { Account } from "./schemas.ts";

/** A row of ledger.account. */
export interface AccountRow {
  readonly id: number;
  readonly address: string;
  readonly currency: string;
  readonly floor_minor: number | null;
  readonly status: "open" | "closed";
  readonly entry_count: number;
  readonly debits_minor: number;
  readonly credits_minor: number;
  readonly pending_debit_minor: number;
  readonly pending_credit_minor: number;
  readonly opened_at: Date;
  /** Null for nearly all. */
  readonly monitors: readonly Threshold[] | null;
}

/** What is posted: credits without debits. */
export function balanceMinor({
  credits_minor,
  debits_minor,
}: Pick<AccountRow, "credits_minor" | "debits_minor">): number {
  return credits_minor - debits_minor;
}

/** What may still leave before the floor is looked at: the balance without what holds have set aside. */
export function availableMinor(
  row: Pick<AccountRow, "credits_minor" | "debits_minor" | "pending_debit_minor">,
): number {
  return balanceMinor(row) - row.pending_debit_minor;
}

export function accountOf(row: AccountRow): Account {
  return {
    address: row.address,
    currency: row.currency,
    balanceMinor: balanceMinor(row),
    pendingDebitMinor: row.pending_debit_minor,
    pendingCreditMinor: row.pending_credit_minor,
    availableMinor: availableMinor(row),
    floorMinor: row.floor_minor,
    entryCount: row.entry_count,
    status: row.status,
    openedAt: row.opened_at.toISOString(),
  };
}
