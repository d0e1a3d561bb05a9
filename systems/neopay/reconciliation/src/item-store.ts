import type { Sql } from "@banyan/kernel";
import type { PlacedItem } from "./bank-items.ts";
import { itemsMax } from "./contract.ts";
import type { Item } from "./matching.ts";

export type Side = "bank" | "ledger";
/** Days that a run looks at, both inclusive; null is open. */
export type Span = { readonly from: string | null; readonly to: string | null };
export type SideKey = AccountKey & { readonly side: Side };
export type AccountKey = { readonly tenant: string; readonly account: string };

/** Stores items of one account and side; those already there stay as they are. After a rebuild they find their matches again. */
export async function insertItems(
  sql: Sql,
  { tenant, account, side }: SideKey,
  items: readonly PlacedItem[],
): Promise<void> {
  if (items.length === 0) return;
  await sql`
    INSERT INTO reconciliation.item (id, side, tenant, account, direction, amount_minor, currency, day, place, "references", match_id)
    SELECT id, ${side}, ${tenant}, ${account}, direction, "amountMinor", currency, day, place, "references",
      CASE ${side} WHEN 'bank' THEN (SELECT m.id FROM reconciliation.match AS m WHERE m.bank_item = item.id AND m.tenant = ${tenant})
        ELSE (SELECT m.id FROM reconciliation.match AS m WHERE m.ledger_item = item.id AND m.tenant = ${tenant}) END
    FROM jsonb_to_recordset(${JSON.stringify(items)}::jsonb) AS item (id text, direction text, "amountMinor" bigint, currency text,
      day date, place text, "references" text[])
    ON CONFLICT DO NOTHING`;
}

/** Takes back what a replaced statement said: its items go, and what they were matched with is open again. */
export async function withdrawStatement(sql: Sql, tenant: string, statement: string): Promise<void> {
  await sql`
    WITH gone AS (
      DELETE FROM reconciliation.item WHERE tenant = ${tenant} AND side = 'bank' AND id >= ${`${statement}:`} AND id < ${`${statement};`}
      RETURNING id
    ), unmatched AS (
      DELETE FROM reconciliation.match AS m USING gone WHERE m.tenant = ${tenant} AND m.bank_item = gone.id
      RETURNING m.id
    )
    UPDATE reconciliation.item SET match_id = NULL WHERE tenant = ${tenant} AND match_id IN (SELECT id FROM unmatched)`;
  await sql`UPDATE reconciliation.statement SET is_replaced = true WHERE id = ${statement} AND tenant = ${tenant}`;
}

/** The unmatched items of a side in their canonical order; one more than `itemsMax` when there are too many. */
export async function selectUnmatched(
  sql: Sql,
  { tenant, account, side }: SideKey,
  { from, to }: Span,
): Promise<Item[]> {
  return await sql<Item>`
    SELECT id, direction, amount_minor AS "amountMinor", currency, day, "references"
    FROM reconciliation.item
    WHERE tenant = ${tenant} AND account = ${account} AND side = ${side} AND match_id IS NULL
      AND (${from}::date IS NULL OR day >= ${from}) AND (${to}::date IS NULL OR day <= ${to})
    ORDER BY day, place LIMIT ${itemsMax + 1}`;
}

/** How many statements and how many ledger items of each account have arrived. */
export async function countArrived(
  sql: Sql,
  tenant: string,
): Promise<Map<string, { statements: number; ledgerItems: number }>> {
  const rows = await sql<{ account: string; statements: number; ledgerItems: number }>`
    SELECT account, sum(statements)::integer AS statements, sum(items)::integer AS "ledgerItems"
    FROM (SELECT account, count(*) AS statements, 0 AS items FROM reconciliation.statement WHERE tenant = ${tenant} GROUP BY account
      UNION ALL
      SELECT account, 0, count(*) FROM reconciliation.item WHERE tenant = ${tenant} AND side = 'ledger' GROUP BY account) AS arrived
    GROUP BY account`;
  return new Map(rows.map(({ account, ...counts }) => [account, counts]));
}

/** Every account with an item or a statement, in order. */
export async function selectAccounts(sql: Sql, tenant: string): Promise<string[]> {
  const rows = await sql<{ account: string }>`
    SELECT account FROM reconciliation.item WHERE tenant = ${tenant}
    UNION SELECT account FROM reconciliation.statement WHERE tenant = ${tenant}
    ORDER BY account`;
  return rows.map((row) => row.account);
}

export type Untied = { id: string; currency: string; breakMinor: number | null; day: string };

/** The statements of an account that do not tie. A statement without a dated balance stands on the day of its last item. */
export async function selectUntied(sql: Sql, { tenant, account }: AccountKey, { from, to }: Span): Promise<Untied[]> {
  return await sql<Untied>`
    SELECT id, currency, break_minor AS "breakMinor", closing_on AS day
    FROM reconciliation.statement
    WHERE tenant = ${tenant} AND account = ${account} AND ties = false AND NOT is_replaced
      AND (${from}::date IS NULL OR closing_on >= ${from}) AND (${to}::date IS NULL OR closing_on <= ${to})
    ORDER BY id`;
}

export type Proof = { id: string; currency: string; bankMinor: number; ledgerMinor: number; day: string };

/** The newest closing balance of the bank beside the ledger's at the end of that day, or null without one. */
export async function selectProof(
  sql: Sql,
  { tenant, account }: AccountKey,
  { from, to }: Span,
): Promise<Proof | null> {
  const [row] = await sql<Proof>`
    SELECT s.id, s.currency, s.closing_minor AS "bankMinor", s.closing_on AS day,
      (SELECT coalesce(sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END), 0)::bigint
       FROM reconciliation.item AS i
       WHERE i.tenant = s.tenant AND i.account = s.account AND i.side = 'ledger' AND i.currency = s.currency
         AND i.day <= s.closing_on) AS "ledgerMinor"
    FROM reconciliation.statement AS s
    WHERE s.tenant = ${tenant} AND s.account = ${account} AND s.closing_minor IS NOT NULL AND NOT s.is_replaced
      AND (${from}::date IS NULL OR s.closing_on >= ${from}) AND (${to}::date IS NULL OR s.closing_on <= ${to})
    ORDER BY s.closing_on DESC, s.id DESC LIMIT 1`;
  return row ?? null;
}
