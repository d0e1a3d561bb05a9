import type { Sql } from "@banyan/kernel";
import type { Batch, Payout } from "../schemas.ts";
import { type PayoutRow, payoutOf } from "./payout-row.ts";

interface BatchRow {
  readonly id: string;
  readonly number: number;
  readonly currency: string;
  readonly debtor_name: string;
  readonly debtor_account: string;
  readonly debtor_bic: string | null;
  readonly requested_on: string;
  readonly status: Batch["status"];
  readonly created_by: string;
  readonly created_at: Date;
  readonly approved_by: string | null;
  readonly approved_at: Date | null;
  readonly sent_at: Date | null;
}

interface Key {
  readonly tenant: string;
  readonly id: string;
}

/** Stores a draft and its planned payouts. */
export async function insertBatch(
  sql: Sql,
  tenant: string,
  { batch, payouts }: { readonly batch: Batch; readonly payouts: readonly Payout[] },
): Promise<void> {
  const { id, currency, debtor } = batch;
  const rows = payouts.map(({ creditor, ...payout }) => ({ ...payout, ...creditor }));
  await sql`
    INSERT INTO payouts.batch (id, tenant, currency, debtor_name, debtor_account, debtor_bic, requested_on, created_by, created_at)
    VALUES (${id}, ${tenant}, ${currency}, ${debtor.name}, ${debtor.account}, ${debtor.bic}, ${batch.requestedOn},
      ${batch.createdBy}, ${new Date(batch.createdAt)})`;
  await sql`
    INSERT INTO payouts.payout (id, tenant, batch, merchant, amount_minor, currency, creditor_name, creditor_account, creditor_bic, end_to_end_id)
    SELECT row.id, ${tenant}, ${id}, merchant, "amountMinor", ${currency}, name, account, bic, "endToEndId"
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS row (id uuid, merchant text, "amountMinor" bigint, name text, account text, bic text, "endToEndId" text)
    ORDER BY merchant`;
}

/** A batch, or null. */
export async function selectBatch(sql: Sql, { tenant, id }: Key): Promise<Batch | null> {
  const [row] = await sql<BatchRow>`SELECT * FROM payouts.batch WHERE id = ${id} AND tenant = ${tenant}`;
  return row ? batchOf(row) : null;
}

/** The same, held by this transaction until it ends. */
export async function lockBatch(sql: Sql, { tenant, id }: Key): Promise<Batch | null> {
  const [row] = await sql<BatchRow>`SELECT * FROM payouts.batch WHERE id = ${id} AND tenant = ${tenant} FOR UPDATE`;
  return row ? batchOf(row) : null;
}

export async function selectBatches(
  sql: Sql,
  { tenant, after, limit }: { readonly tenant: string; readonly after: number; readonly limit: number },
): Promise<(Batch & { number: number })[]> {
  const rows = await sql<BatchRow>`
    SELECT * FROM payouts.batch WHERE tenant = ${tenant} AND number > ${after} ORDER BY number LIMIT ${limit}`;
  return rows.map((row) => ({ ...batchOf(row), number: row.number }));
}

export async function selectPayouts(sql: Sql, batch: string): Promise<Payout[]> {
  const rows = await sql<PayoutRow>`SELECT * FROM payouts.payout WHERE batch = ${batch} ORDER BY number`;
  return rows.map(payoutOf);
}

export async function approve(
  sql: Sql,
  { tenant, id }: Key,
  { by, at }: { readonly by: string; readonly at: Date },
): Promise<Batch> {
  const [row] = await sql<BatchRow>`
    UPDATE payouts.batch SET status = 'approved', approved_by = ${by}, approved_at = ${at}
    WHERE id = ${id} AND tenant = ${tenant} RETURNING *`;
  return batchOf(row as BatchRow);
}

export async function cancel(sql: Sql, { tenant, id }: Key): Promise<Batch> {
  const [[row]] = await Promise.all([
    sql<BatchRow>`UPDATE payouts.batch SET status = 'canceled' WHERE id = ${id} AND tenant = ${tenant} RETURNING *`,
    sql`UPDATE payouts.payout SET status = 'canceled' WHERE batch = ${id} AND tenant = ${tenant}`,
  ]);
  return batchOf(row as BatchRow);
}

/** What the ledger said of a planned payout. */
export interface Posted {
  readonly id: string;
  readonly transactionId: string | null;
  readonly reason: string | null;
}

/** The batch is with the bank from now on: what the ledger gave is instructed, the rest is refused. */
export async function noteSent(
  sql: Sql,
  { tenant, id }: Key,
  { posted, at }: { readonly posted: readonly Posted[]; readonly at: Date },
): Promise<void> {
  await sql`
    UPDATE payouts.payout AS p SET status = CASE WHEN said.reason IS NULL THEN 'instructed' ELSE 'refused' END,
      transaction_id = said."transactionId", reason = said.reason
    FROM jsonb_to_recordset(${JSON.stringify(posted)}::jsonb) AS said (id uuid, "transactionId" uuid, reason text)
    WHERE p.id = said.id AND p.status = 'planned'`;
  await sql`UPDATE payouts.batch SET status = 'sent', sent_at = ${at} WHERE id = ${id} AND tenant = ${tenant}`;
}

function batchOf(row: BatchRow): Batch {
  return {
    id: row.id,
    currency: row.currency,
    debtor: { name: row.debtor_name, account: row.debtor_account, bic: row.debtor_bic },
    requestedOn: row.requested_on,
    status: row.status,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    approvedBy: row.approved_by,
    approvedAt: row.approved_at?.toISOString() ?? null,
    sentAt: row.sent_at?.toISOString() ?? null,
  };
}
