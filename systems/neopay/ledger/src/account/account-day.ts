import { type EventsHandler, onMany } from "@banyan/kernel";
import { ledger } from "../contract.ts";

type Fold = EventsHandler<typeof ledger.posted, typeof ledger>;

/** Adds the postings of transactions to the days of their accounts: one statement, however many came together. */
const foldPosted: Fold = async (ctx, transactions) => {
  const changes = transactions.flatMap(({ postings, effectiveAt }) => {
    const day = effectiveAt.slice(0, 10);
    return postings.flatMap(({ source, destination, amountMinor }) => [
      { address: source, day, debit: amountMinor, credit: 0 },
      { address: destination, day, debit: 0, credit: amountMinor },
    ]);
  });
  await ctx.sql`
    INSERT INTO ledger.account_day AS d (account_id, day, entry_count, debits_minor, credits_minor)
    SELECT a.id, c.day, count(*), sum(c.debit), sum(c.credit)
    FROM unnest(${changes.map(({ address }) => address)}::text[], ${changes.map(({ day }) => day)}::date[],
      ${changes.map(({ debit }) => debit)}::bigint[], ${changes.map(({ credit }) => credit)}::bigint[]) AS c (address, day, debit, credit)
    JOIN ledger.account AS a ON a.tenant = ${ctx.identity.tenant} AND a.address = c.address
    GROUP BY a.id, c.day
    ON CONFLICT (account_id, day) DO UPDATE SET entry_count = d.entry_count + excluded.entry_count,
      debits_minor = d.debits_minor + excluded.debits_minor, credits_minor = d.credits_minor + excluded.credits_minor`;
};

/** What each account moved on each day of effect; balances at the end of a day are read from it. */
export const accountDay = {
  folds: [onMany(ledger.posted, foldPosted)],
  reset: (sql: Parameters<Fold>[0]["sql"]) => sql`TRUNCATE ledger.account_day`,
};
