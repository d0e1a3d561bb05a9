import { type Handler, pageOf } from "@banyan/kernel";
import type { ledger } from "../contract.ts";

interface EntryRow {
  readonly number: number;
  readonly id: string;
  readonly seq: number;
  readonly reference: string;
  readonly counterparty: string;
  readonly change_minor: number;
  readonly after_minor: number;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

export const listEntries: Handler<typeof ledger.entries> = async (ctx, { address, after, limit }) => {
  const [account] = await ctx.sql<{ id: number; currency: string }>`
    SELECT id, currency FROM ledger.account WHERE tenant = ${ctx.identity.tenant} AND address = ${address}`;
  if (account === undefined) throw ctx.faults.accountNotFound({ account: address });
  // Numbers are dense, so that one page is one range of each of the two indexes.
  const rows = await ctx.sql<EntryRow>`
    SELECT e.number, t.id, t.seq, t.reference, c.address AS counterparty, e.change_minor, e.after_minor, t.effective_at, t.recorded_at
    FROM (
      SELECT seq, source_entry AS number, destination_id AS counterparty_id, - amount_minor AS change_minor, source_after_minor AS after_minor
      FROM ledger.posting WHERE source_id = ${account.id} AND source_entry > ${after} AND source_entry <= ${after + limit + 1}
      UNION ALL
      SELECT seq, destination_entry, source_id, amount_minor, destination_after_minor
      FROM ledger.posting WHERE destination_id = ${account.id} AND destination_entry > ${after} AND destination_entry <= ${after + limit + 1}
    ) AS e
    JOIN ledger.transaction AS t ON t.seq = e.seq
    JOIN ledger.account AS c ON c.id = e.counterparty_id
    ORDER BY e.number`;
  const { page, next } = pageOf(rows, limit, ({ number }) => number);
  const entries = page.map((row) => ({
    number: row.number,
    transactionId: row.id,
    seq: row.seq,
    reference: row.reference,
    counterparty: row.counterparty,
    changeMinor: row.change_minor,
    balanceMinor: row.after_minor,
    effectiveAt: row.effective_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
  }));
  return { address, currency: account.currency, entries, next };
};
