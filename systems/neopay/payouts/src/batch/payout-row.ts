import type { Payout } from "../schemas.ts";

/** A row of payouts.payout. */
export interface PayoutRow {
  readonly id: string;
  readonly batch: string;
  readonly merchant: string;
  readonly amount_minor: number;
  readonly currency: string;
  readonly creditor_name: string;
  readonly creditor_account: string;
  readonly creditor_bic: string | null;
  readonly end_to_end_id: string;
  readonly status: Payout["status"];
  readonly reason: string | null;
  readonly transaction_id: string | null;
  readonly settled_at: Date | null;
}

export function payoutOf(row: PayoutRow): Payout {
  return {
    id: row.id,
    merchant: row.merchant,
    amountMinor: row.amount_minor,
    currency: row.currency,
    creditor: { name: row.creditor_name, account: row.creditor_account, bic: row.creditor_bic },
    endToEndId: row.end_to_end_id,
    status: row.status,
    reason: row.reason,
    transactionId: row.transaction_id,
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}
