import type { Sql } from "@banyan/kernel";
import type { ScheduledTransaction } from "./schemas.ts";

/*
 * A scheduled transaction, in numbered rules:
 * S1  It is posted, refused or canceled, once: none of them leads anywhere else.
 * S2  Its accounts and its floors are looked at when its time has come, and no money is set aside for it before.
 * S3  It can be canceled until it is posted or refused, past its time too: the job that posts it may be late.
 */

export interface ScheduledRow {
  readonly tenant: string;
  readonly id: string;
  readonly reference: string;
  readonly postings: ScheduledTransaction["postings"];
  readonly scheduled_at: Date;
  readonly status: ScheduledTransaction["status"];
  readonly transaction_id: string | null;
  readonly fault: ScheduledTransaction["fault"];
  readonly metadata: Record<string, string>;
}

export function scheduledOf(row: ScheduledRow): ScheduledTransaction {
  return {
    id: row.id,
    reference: row.reference,
    postings: row.postings,
    scheduledAt: row.scheduled_at.toISOString(),
    status: row.status,
    transactionId: row.transaction_id,
    fault: row.fault,
    metadata: row.metadata,
  };
}

/** The scheduled transaction, locked until the end of the database's transaction. */
export async function lockScheduled(sql: Sql, tenant: string, id: string): Promise<ScheduledRow | undefined> {
  const [row] = await sql<ScheduledRow>`
    SELECT * FROM ledger.scheduled WHERE id = ${id} AND tenant = ${tenant} FOR UPDATE`;
  return row;
}

type End = Pick<ScheduledRow, "status"> & Partial<Pick<ScheduledRow, "transaction_id" | "fault">>;

/** Ends one that is locked and waits. */
export async function endScheduled(sql: Sql, waiting: ScheduledRow, end: End): Promise<ScheduledTransaction> {
  const row = { ...waiting, ...end };
  await sql`
    UPDATE ledger.scheduled SET status = ${row.status}, transaction_id = ${row.transaction_id}, fault = ${row.fault}
    WHERE id = ${row.id} AND tenant = ${row.tenant}`;
  return scheduledOf(row);
}
