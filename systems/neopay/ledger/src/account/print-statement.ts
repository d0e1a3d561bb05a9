import type { Handler } from "@banyan/kernel";
import { type AccountStatement, writeBankCsv, writeCamt053 } from "@banyan/neopay-bank-files";
import type { ledger } from "../contract.ts";
import type { StatementSpan } from "./schemas.ts";

type Context = Parameters<Handler<typeof ledger.statementCamt053>>[0];

/** The entry is null where the account has none in the span, or too many. */
interface StatementRow {
  readonly currency: string;
  readonly opening_minor: number;
  readonly entry_count: number;
  readonly number: number | null;
  readonly id: string;
  readonly reference: string;
  readonly counterparty: string;
  readonly change_minor: number;
  readonly effective_at: Date;
}

const dayMs = 86_400_000;
/** About 7 MB of camt.053: less than an answer over the bus may have, and than an import takes. */
const entriesMax = 10_000;

export const printCamt053: Handler<typeof ledger.statementCamt053> = async (ctx, span) => ({
  content: writeCamt053(await readStatement(ctx, span)),
});

export const printCsv: Handler<typeof ledger.statementCsv> = async (ctx, span) => ({
  content: writeBankCsv(await readStatement(ctx, span)),
});

/** Entries by effectiveAt, and of one instant as they were recorded; the balance runs in that order from the opening one. */
async function readStatement(ctx: Context, { address, from, to }: StatementSpan): Promise<AccountStatement> {
  const rows = await selectStatement(ctx, { address, from, to });
  const [account] = rows;
  if (account === undefined) throw ctx.faults.accountNotFound({ account: address });
  const { currency, opening_minor: openingMinor, entry_count: entryCount } = account;
  if (entryCount > entriesMax) throw ctx.faults.statementTooLong({ account: address, entryCount, entriesMax });
  let balanceMinor = openingMinor;
  const lines = rows.flatMap((row) => {
    if (row.number === null) return [];
    balanceMinor += row.change_minor;
    const on = row.effective_at.toISOString().slice(0, 10);
    const { number, id, reference, counterparty, change_minor: changeMinor } = row;
    return { number, id: id.replaceAll("-", ""), reference, counterparty, changeMinor, balanceMinor, on };
  });
  return { account: address, currency, from, to, createdAt: new Date(ctx.now()), openingMinor, lines };
}

/**
 * One statement, so that it sees one state of the books. Which entries lie in the span is read from the covering indexes alone; only
 * those are looked up, and none of too many.
 */
function selectStatement({ sql, identity: { tenant } }: Context, { address, from, to }: StatementSpan) {
  const begin = new Date(from);
  const end = new Date(Date.parse(to) + dayMs);
  return sql<StatementRow>`
    WITH account AS MATERIALIZED (
      SELECT id, currency, ledger.balance_at(id, ${new Date(begin.getTime() - 1)}) AS opening_minor
      FROM ledger.account WHERE tenant = ${tenant} AND address = ${address}
    ), span AS MATERIALIZED (
      SELECT source_entry AS number, true AS is_debit FROM ledger.posting
      WHERE source_id = (SELECT id FROM account) AND effective_at >= ${begin} AND effective_at < ${end}
      UNION ALL
      SELECT destination_entry, false FROM ledger.posting
      WHERE destination_id = (SELECT id FROM account) AND effective_at >= ${begin} AND effective_at < ${end}
    ), entry AS (
      SELECT s.number, p.seq, p.destination_id AS counterparty_id, - p.amount_minor AS change_minor
      FROM span AS s JOIN ledger.posting AS p ON p.source_id = (SELECT id FROM account) AND p.source_entry = s.number
      WHERE s.is_debit AND (SELECT count(*) FROM span) <= ${entriesMax}
      UNION ALL
      SELECT s.number, p.seq, p.source_id, p.amount_minor
      FROM span AS s JOIN ledger.posting AS p ON p.destination_id = (SELECT id FROM account) AND p.destination_entry = s.number
      WHERE NOT s.is_debit AND (SELECT count(*) FROM span) <= ${entriesMax}
    )
    SELECT a.currency, a.opening_minor, (SELECT count(*) FROM span) AS entry_count,
      e.number, t.id, t.reference, c.address AS counterparty, e.change_minor, t.effective_at
    FROM account AS a
    LEFT JOIN (entry AS e JOIN ledger.transaction AS t ON t.seq = e.seq JOIN ledger.account AS c ON c.id = e.counterparty_id) ON true
    ORDER BY t.effective_at, e.number`;
}
