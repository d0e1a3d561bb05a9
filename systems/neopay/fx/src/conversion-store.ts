import type { Sql } from "@banyan/kernel";
import type { Conversion } from "./contract.ts";

interface ConversionRow {
  readonly id: string;
  readonly quote: string;
  readonly source: string;
  readonly destination: string;
  readonly status: Conversion["status"];
  readonly reason: string | null;
  readonly transaction_id: string | null;
  readonly created_at: Date;
  readonly settled_at: Date | null;
}

/** Takes the quote, or answers null where another conversion has it. */
export async function insertConversion(
  sql: Sql,
  tenant: string,
  {
    id,
    quoteId,
    source,
    destination,
    createdAt,
  }: Omit<Conversion, "status" | "reason" | "transactionId" | "settledAt">,
): Promise<Conversion | null> {
  const [row] = await sql<ConversionRow>`
    INSERT INTO fx.conversion (id, tenant, quote, source, destination, created_at)
    VALUES (${id}, ${tenant}, ${quoteId}, ${source}, ${destination}, ${new Date(createdAt)})
    ON CONFLICT (quote) DO NOTHING RETURNING *`;
  return row ? conversionOf(row) : null;
}

/** The conversion that used a quote, or null. */
export async function selectByQuote(sql: Sql, tenant: string, quoteId: string): Promise<Conversion | null> {
  const [row] = await sql<ConversionRow>`SELECT * FROM fx.conversion WHERE quote = ${quoteId} AND tenant = ${tenant}`;
  return row ? conversionOf(row) : null;
}

export async function selectConversion(sql: Sql, tenant: string, id: string): Promise<Conversion | null> {
  const [row] = await sql<ConversionRow>`SELECT * FROM fx.conversion WHERE id = ${id} AND tenant = ${tenant}`;
  return row ? conversionOf(row) : null;
}

/** Settles a pending conversion: posted where `reason` is null, else failed. */
export async function settle(
  sql: Sql,
  id: string,
  {
    transactionId,
    reason,
    at,
  }: { readonly transactionId: string | null; readonly reason: string | null; readonly at: Date },
): Promise<Conversion | null> {
  const [row] = await sql<ConversionRow>`
    UPDATE fx.conversion SET status = ${reason === null ? "posted" : "failed"}, reason = ${reason},
      transaction_id = ${transactionId}, settled_at = ${at}
    WHERE id = ${id} AND status = 'pending' RETURNING *`;
  return row ? conversionOf(row) : null;
}

function conversionOf(row: ConversionRow): Conversion {
  return {
    id: row.id,
    quoteId: row.quote,
    source: row.source,
    destination: row.destination,
    status: row.status,
    reason: row.reason,
    transactionId: row.transaction_id,
    createdAt: row.created_at.toISOString(),
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}
