import type { Sql } from "@banyan/kernel";
import { type PayoutRow, payoutOf } from "../batch/payout-row.ts";
import type { Payout } from "../schemas.ts";

/** What a bank says of one payout. paid: it has left. back: rejected, or sent back by the receiver's bank. */
export interface PayoutNews {
  readonly endToEndId: string;
  readonly kind: "paid" | "back";
  readonly reason: string | null;
}

interface Told {
  readonly tenant: string;
  readonly at: Date;
  /** Whose movements the bank tells; absent where it answers a message. */
  readonly account?: string;
}

/** A payout that news has moved on. */
export type MovedPayout = Payout & { readonly batch: string };

/**
 * Moves payouts on by what their bank says, each at most once per step: news that came before, or too late, changes
 * nothing. `back` wins over `paid` in whichever order they come, since what came back cannot leave again.
 */
export async function takeNews(
  sql: Sql,
  { tenant, at, account }: Told,
  news: readonly PayoutNews[],
): Promise<MovedPayout[]> {
  if (news.length === 0) return [];
  const backs = new Set(news.flatMap(({ kind, endToEndId }) => (kind === "back" ? [endToEndId] : [])));
  const decisive = news.filter(({ kind, endToEndId }) => kind === "back" || !backs.has(endToEndId));
  const rows = await sql<PayoutRow>`
    UPDATE payouts.payout AS p SET status = CASE said.kind WHEN 'paid' THEN 'sent' ELSE 'returning' END,
      reason = said.reason, settled_at = ${at}
    FROM (SELECT DISTINCT ON ("endToEndId") * FROM jsonb_to_recordset(${JSON.stringify(decisive)}::jsonb)
        AS item ("endToEndId" text, kind text, reason text)) AS said, payouts.batch AS b
    WHERE p.tenant = ${tenant} AND p.end_to_end_id = said."endToEndId" AND b.id = p.batch
      AND (${account === undefined} OR b.debtor_account = ${accountNumberOf(account ?? "")})
      AND (p.status = 'instructed' OR (p.status = 'sent' AND said.kind = 'back'))
    RETURNING p.*`;
  return rows.map((row) => ({ ...payoutOf(row), batch: row.batch }));
}

/** As a batch names accounts, whose statements may write it in groups: `DE89 3704 …`. */
function accountNumberOf(account: string): string {
  return account.replace(/[^A-Za-z0-9]/g, "").toUpperCase();
}

/** Which of the end-to-end ids are payouts of ours. */
export async function selectKnown(sql: Sql, tenant: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql<{ id: string }>`
    SELECT end_to_end_id AS id FROM payouts.payout WHERE tenant = ${tenant} AND end_to_end_id = ANY (${ids})`;
  return new Set(rows.map(({ id }) => id));
}

/** The end-to-end ids of a batch's payouts, by the id of its message. */
export async function selectIdsOfMessage(sql: Sql, tenant: string, messageId: string): Promise<string[]> {
  if (!/^[0-9a-f]{32}$/.test(messageId)) return [];
  const rows = await sql<{ id: string }>`
    SELECT end_to_end_id AS id FROM payouts.payout WHERE tenant = ${tenant} AND batch = ${messageId}::uuid`;
  return rows.map(({ id }) => id);
}

/** As it is told to others. */
export function toldOf({ id, batch, merchant, amountMinor, currency, endToEndId, reason }: MovedPayout) {
  return { payoutId: id, batchId: batch, merchant, amountMinor, currency, endToEndId, reason };
}
