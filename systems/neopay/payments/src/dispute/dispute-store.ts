import type { Sql } from "@banyan/kernel";
import type { Dispute } from "../schemas.ts";

/** A row of payments.dispute. */
export interface DisputeRow {
  readonly id: string;
  readonly payment_id: string;
  readonly amount_minor: number;
  readonly reason: string;
  readonly status: Dispute["status"];
  readonly evidence: Dispute["evidence"];
  readonly transaction_id: string | null;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
}

export function disputeOf(row: DisputeRow): Dispute {
  return {
    id: row.id,
    paymentId: row.payment_id,
    amountMinor: row.amount_minor,
    reason: row.reason,
    status: row.status,
    evidence: row.evidence,
    transactionId: row.transaction_id,
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
  };
}

/** The dispute, locked until the end of the transaction. */
export async function lockDispute(sql: Sql, tenant: string, id: string): Promise<DisputeRow | undefined> {
  const [row] = await sql<DisputeRow>`
    SELECT * FROM payments.dispute WHERE id = ${id} AND tenant = ${tenant} FOR NO KEY UPDATE`;
  return row;
}
