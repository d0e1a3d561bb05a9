import type { Sql } from "@banyan/kernel";
import type { Run } from "./contract.ts";
import type { Matching, Rule } from "./matching.ts";

/** The next number of a tenant's runs. Holds every other run of the tenant back until this one commits. */
export async function takeRunNumber(sql: Sql, tenant: string): Promise<number> {
  const [row] = await sql<{ number: number }>`
    INSERT INTO reconciliation.book AS book (tenant, run_count) VALUES (${tenant}, 1)
    ON CONFLICT (tenant) DO UPDATE SET run_count = book.run_count + 1
    RETURNING run_count AS number`;
  if (!row) throw new Error("the upsert of reconciliation.book returned no row");
  return row.number;
}

export async function insertRun(sql: Sql, tenant: string, run: Run): Promise<void> {
  await sql`
    INSERT INTO reconciliation.run (id, tenant, number, account, first_day, last_day, rules, date_window_days, account_count,
      matched_count, opened_count, resolved_count, open_count, ran_at)
    VALUES (${run.id}, ${tenant}, ${run.number}, ${run.account}, ${run.from}, ${run.to}, ${run.rules}, ${run.dateWindowDays},
      ${run.accountCount}, ${run.matchedCount}, ${run.openedCount}, ${run.resolvedCount}, ${run.openCount}, ${new Date(run.ranAt)})`;
}

export async function selectRun(sql: Sql, tenant: string, id: string): Promise<Run | null> {
  const [row] = await sql<Omit<Run, "ranAt"> & { ranAt: Date }>`
    SELECT id, number, account, first_day AS "from", last_day AS "to", rules, date_window_days AS "dateWindowDays",
      account_count AS "accountCount", matched_count AS "matchedCount", opened_count AS "openedCount",
      resolved_count AS "resolvedCount", open_count AS "openCount", ran_at AS "ranAt"
    FROM reconciliation.run WHERE id = ${id} AND tenant = ${tenant}`;
  return row ? { ...row, ranAt: row.ranAt.toISOString() } : null;
}

/** Records the pairs and marks both sides, so that no later run sees them. */
export async function insertMatches(
  sql: Sql,
  { tenant, runId, newId }: { tenant: string; runId: string; newId: () => string },
  matches: Matching["matches"],
): Promise<void> {
  if (matches.length === 0) return;
  const rows = matches.map(({ bank, ledger, rule }) => ({ id: newId(), rule, bank: bank.id, ledger: ledger.id }));
  const json = JSON.stringify(rows);
  await sql`
    INSERT INTO reconciliation.match (id, tenant, run_id, rule, bank_item, ledger_item)
    SELECT id, ${tenant}, ${runId}, rule, bank, ledger
    FROM jsonb_to_recordset(${json}::jsonb) AS pair (id uuid, rule text, bank text, ledger text)`;
  await sql`
    UPDATE reconciliation.item AS item SET match_id = pair.match
    FROM (SELECT id AS match, bank AS item, 'bank' AS side FROM jsonb_to_recordset(${json}::jsonb) AS b (id uuid, bank text)
      UNION ALL
      SELECT id, ledger, 'ledger' FROM jsonb_to_recordset(${json}::jsonb) AS l (id uuid, ledger text)) AS pair
    WHERE item.tenant = ${tenant} AND item.id = pair.item AND item.side = pair.side`;
}

export type MatchRow = {
  id: string;
  number: number;
  rule: Rule;
  bankItem: string;
  ledgerItem: string;
  amountMinor: number;
  currency: string;
  bankDay: string;
  ledgerDay: string;
};

/** Up to `limit` pairs of a run after a number, in the order in which they were found. */
export async function selectMatches(
  sql: Sql,
  { tenant, runId, after, limit }: { tenant: string; runId: string; after: number; limit: number },
): Promise<MatchRow[]> {
  return await sql<MatchRow>`
    SELECT m.id, m.number, m.rule, m.bank_item AS "bankItem", m.ledger_item AS "ledgerItem", b.amount_minor AS "amountMinor", b.currency,
      b.day AS "bankDay", l.day AS "ledgerDay"
    FROM reconciliation.match AS m
    JOIN reconciliation.item AS b ON b.id = m.bank_item AND b.side = 'bank' AND b.tenant = m.tenant
    JOIN reconciliation.item AS l ON l.id = m.ledger_item AND l.side = 'ledger' AND l.tenant = m.tenant
    WHERE m.run_id = ${runId} AND m.tenant = ${tenant} AND m.number > ${after}
    ORDER BY m.number LIMIT ${limit}`;
}
