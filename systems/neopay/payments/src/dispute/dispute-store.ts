import type { Identity, Sql } from "@banyan/kernel";
import { selectPayment } from "../intent/payment-store.ts";
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

/** The dispute, where there is one of a payment that the caller may know of. */
export async function selectDispute(sql: Sql, identity: Identity, id: string): Promise<DisputeRow | undefined> {
  const [row] = await sql<DisputeRow>`SELECT * FROM payments.dispute WHERE id = ${id} AND tenant = ${identity.tenant}`;
  return row !== undefined && (await selectPayment(sql, identity, row.payment_id)) !== undefined ? row : undefined;
}

/** The same, locked until the end of the transaction. */
export async function lockDispute(sql: Sql, identity: Identity, id: string): Promise<DisputeRow | undefined> {
  await sql`SELECT 1 FROM payments.dispute WHERE id = ${id} AND tenant = ${identity.tenant} FOR NO KEY UPDATE`;
  return await selectDispute(sql, identity, id);
}
