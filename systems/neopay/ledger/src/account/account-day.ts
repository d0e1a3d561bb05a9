import { type EventHandler, on } from "@banyan/kernel";
import { ledger } from "../contract.ts";

/** Adds a transaction's postings to the days of its accounts. */
const foldPosted: EventHandler<typeof ledger.posted, typeof ledger> = async (ctx, { postings, effectiveAt }) => {
  const changes = postings.flatMap(({ source, destination, amountMinor }) => [
    { address: source, debit: amountMinor, credit: 0 },
    { address: destination, debit: 0, credit: amountMinor },
  ]);
  // Transactions of different keys meet in one row, and several are folded in one database transaction: without the
  // lock two of those would wait for each other's rows.
  await ctx.sql`
    WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(1818584167, 2))
    INSERT INTO ledger.account_day AS d (account_id, day, entry_count, debits_minor, credits_minor)
    SELECT a.id, ${effectiveAt.slice(0, 10)}::date, count(*), sum(c.debit), sum(c.credit)
    FROM turn, unnest(${changes.map(({ address }) => address)}::text[], ${changes.map(({ debit }) => debit)}::bigint[],
      ${changes.map(({ credit }) => credit)}::bigint[]) AS c (address, debit, credit)
    JOIN ledger.account AS a ON a.tenant = ${ctx.identity.tenant} AND a.address = c.address
    GROUP BY a.id
    ON CONFLICT (account_id, day) DO UPDATE SET entry_count = d.entry_count + excluded.entry_count,
      debits_minor = d.debits_minor + excluded.debits_minor, credits_minor = d.credits_minor + excluded.credits_minor`;
};

/** What each account moved on each day of effect; balances at the end of a day are read from it. */
export const accountDay = {
  folds: [on(ledger.posted, foldPosted)],
  reset: (sql: Parameters<typeof foldPosted>[0]["sql"]) => sql`TRUNCATE ledger.account_day`,
};
