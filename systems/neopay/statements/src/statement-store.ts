import { createHash } from "node:crypto";
import type { Sql } from "@banyan/kernel";
import type { Balance, BankStatement, StatementEntry } from "@banyan/neopay-bank-files/model";
import type { Statement } from "./contract.ts";

type StatementRow = {
  id: string;
  number: number;
  account: string;
  currency: string;
  format: BankStatement["format"];
  version: number | null;
  statement_id: string;
  sequence: string | null;
  page: string | null;
  created_at: string | null;
  opening: Balance | null;
  closing: Balance | null;
  balances: Balance[];
  ties: boolean | null;
  break_minor: number | null;
  tie_reason: BankStatement["tieReason"];
  entry_count: number;
  replaced_by: string | null;
  imported_at: Date;
};

/** What identifies a statement's content whatever id, sequence or message it came under. */
function contentHash({ account, currency, balances, entries }: BankStatement): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([account, currency, balances, entries]))
    .digest();
}

/** Lets one import at a time store statements of an account; in one order, so that two documents cannot wait for each other. */
export async function lockAccounts(sql: Sql, tenant: string, accounts: readonly string[]): Promise<void> {
  const names = [...new Set(accounts)].toSorted().map((account) => `${tenant} ${account}`);
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(${names}::text[]) WITH ORDINALITY AS a (name, n) ORDER BY n`;
}

/** Stores a statement unless the same content is known, by this id or another. True when it was new. */
export async function insertStatement(
  sql: Sql,
  { id, tenant, importedAt }: { id: string; tenant: string; importedAt: Date },
  statement: BankStatement,
): Promise<boolean> {
  const inserted = await sql`
    INSERT INTO statements.statement (id, tenant, account, currency, format, version, statement_id, sequence, page, created_at,
      opening, closing, balances, ties, break_minor, tie_reason, entry_count, content_hash, imported_at)
    VALUES (${id}, ${tenant}, ${statement.account}, ${statement.currency}, ${statement.format}, ${statement.version},
      ${statement.statementId}, ${statement.sequence}, ${statement.page}, ${statement.createdAt},
      ${statement.opening}::jsonb, ${statement.closing}::jsonb, ${JSON.stringify(statement.balances)}::jsonb, ${statement.ties},
      ${statement.breakMinor}, ${statement.tieReason}, ${statement.entries.length}, ${contentHash(statement)}, ${importedAt})
    ON CONFLICT DO NOTHING
    RETURNING id`;
  if (inserted.length === 0) return false;
  await sql`
    INSERT INTO statements.entry (statement, index, amount_minor, currency, direction, status, reversal, booked_on, value_on,
      reference, bank_code, description, charges, details)
    SELECT ${id}::uuid, index, "amountMinor", currency, direction, status, reversal, "bookedOn", "valueOn",
      reference, "bankCode", description, charges, details
    FROM jsonb_to_recordset(${JSON.stringify(statement.entries)}::jsonb) AS entry (index integer, "amountMinor" bigint,
      currency text, direction text, status text, reversal boolean, "bookedOn" date, "valueOn" date, reference text,
      "bankCode" text, description text, charges jsonb, details jsonb)`;
  return true;
}

/** The stored statement with the same content: that of the same id first. */
export async function findRepeated(sql: Sql, tenant: string, statement: BankStatement): Promise<string | null> {
  const [row] = await sql<{ id: string }>`
    SELECT id FROM statements.statement
    WHERE tenant = ${tenant} AND account = ${statement.account} AND content_hash = ${contentHash(statement)}::bytea
    ORDER BY (statement_id = ${statement.statementId}) DESC, number LIMIT 1`;
  return row?.id ?? null;
}

/**
 * Marks what a new statement replaces, and answers its id: the one of the same id, sequence and page that begins from the
 * same balance. The id alone would not do: many banks count sequences anew each year, or write the same id always.
 */
export async function replaceEarlier(
  sql: Sql,
  { id, tenant }: { id: string; tenant: string },
  statement: BankStatement,
): Promise<string | null> {
  const [row] = await sql<{ id: string }>`
    UPDATE statements.statement SET replaced_by = ${id}
    WHERE tenant = ${tenant} AND account = ${statement.account} AND statement_id = ${statement.statementId}
      AND sequence IS NOT DISTINCT FROM ${statement.sequence}::text AND page IS NOT DISTINCT FROM ${statement.page}::text
      AND format = ${statement.format} AND opening IS NOT DISTINCT FROM ${statement.opening}::jsonb
      AND replaced_by IS NULL AND id <> ${id}
    RETURNING id`;
  return row?.id ?? null;
}

/** The statement of an id, with its balances, or null. */
export async function selectStatement(
  sql: Sql,
  tenant: string,
  id: string,
): Promise<(Statement & { balances: Balance[] }) | null> {
  const [row] = await sql<StatementRow>`SELECT * FROM statements.statement WHERE id = ${id} AND tenant = ${tenant}`;
  return row ? { ...toStatement(row), balances: row.balances } : null;
}

/** Up to `limit` statements of a tenant in import order after a number. */
export async function selectStatements(
  sql: Sql,
  { tenant, account, after, limit }: { tenant: string; account: string | null; after: number; limit: number },
): Promise<(Statement & { number: number })[]> {
  const rows = await sql<StatementRow>`
    SELECT * FROM statements.statement
    WHERE tenant = ${tenant} AND (${account}::text IS NULL OR account = ${account}) AND number > ${after}
    ORDER BY number LIMIT ${limit}`;
  return rows.map((row) => ({ ...toStatement(row), number: row.number }));
}

/** The accounts of a tenant, each with the number of its statements; notifications and reports within the day are none. */
export async function countByAccount(sql: Sql, tenant: string): Promise<{ account: string; statementCount: number }[]> {
  return await sql<{ account: string; statementCount: number }>`
    SELECT account, count(*)::integer AS "statementCount" FROM statements.statement
    WHERE tenant = ${tenant} AND format NOT IN ('camt.052', 'camt.054') GROUP BY account ORDER BY account`;
}

/** Up to `limit` entries of a statement after an index. */
export async function selectEntries(
  sql: Sql,
  id: string,
  { after, limit }: { after: number; limit: number },
): Promise<StatementEntry[]> {
  return await sql<StatementEntry>`
    SELECT index, reference, amount_minor AS "amountMinor", currency, direction, status, reversal, booked_on AS "bookedOn",
      value_on AS "valueOn", bank_code AS "bankCode", description, charges, details
    FROM statements.entry WHERE statement = ${id} AND index > ${after}::bigint ORDER BY index LIMIT ${limit}`;
}

function toStatement(row: StatementRow): Statement {
  return {
    id: row.id,
    format: row.format,
    version: row.version,
    statementId: row.statement_id,
    sequence: row.sequence,
    page: row.page,
    account: row.account,
    currency: row.currency,
    createdAt: row.created_at,
    opening: row.opening,
    closing: row.closing,
    ties: row.ties,
    breakMinor: row.break_minor,
    tieReason: row.tie_reason,
    entryCount: row.entry_count,
    replacedById: row.replaced_by,
    importedAt: row.imported_at.toISOString(),
  };
}
