import { type EventsHandler, onMany } from "@banyan/kernel";
import { ledger } from "../contract.ts";

type Fold = EventsHandler<typeof ledger.posted, typeof ledger>;

interface Change {
  readonly address: string;
  /** Of effect, in UTC: "2024-02-29". */
  readonly day: string;
  entryCount: number;
  /** Exact, as all that an account ever moves is below 2^53. */
  debitsMinor: number;
  creditsMinor: number;
}

/** Adds the postings of transactions to the days of their accounts: one statement, however many came together. */
const foldPosted: Fold = (ctx, transactions) => {
  const changes = [...changesOf(transactions).values()];
  // Each account by a look of its own: joined, a plan that was made for any number of them would read all that the tenant has.
  void ctx.sql`
    INSERT INTO ledger.account_day AS d (account_id, day, entry_count, debits_minor, credits_minor)
    SELECT (SELECT a.id FROM ledger.account AS a WHERE a.tenant = ${ctx.identity.tenant} AND a.address = c.address),
      c.day, c.entries, c.debits, c.credits
    FROM unnest(${changes.map(({ address }) => address)}::text[], ${changes.map(({ day }) => day)}::date[],
      ${changes.map(({ entryCount }) => entryCount)}::bigint[], ${changes.map(({ debitsMinor }) => debitsMinor)}::bigint[],
      ${changes.map(({ creditsMinor }) => creditsMinor)}::bigint[]) AS c (address, day, entries, debits, credits)
    ON CONFLICT (account_id, day) DO UPDATE SET entry_count = d.entry_count + excluded.entry_count,
      debits_minor = d.debits_minor + excluded.debits_minor, credits_minor = d.credits_minor + excluded.credits_minor`;
};

const foldBulkPosted: EventsHandler<typeof ledger.bulkPosted, typeof ledger> = (ctx, shares) =>
  foldPosted(
    ctx,
    shares.flatMap(({ transactions }) => transactions),
  );

/** What the transactions together add to each account and day. */
function changesOf(transactions: Parameters<Fold>[1]): ReadonlyMap<string, Change> {
  const changes = new Map<string, Change>();
  const change = (address: string, day: string): Change => {
    const key = `${day}${address}`;
    const known = changes.get(key) ?? { address, day, entryCount: 0, debitsMinor: 0, creditsMinor: 0 };
    changes.set(key, known);
    known.entryCount++;
    return known;
  };
  for (const { postings, effectiveAt } of transactions) {
    const day = effectiveAt.slice(0, 10);
    for (const { source, destination, amountMinor } of postings) {
      change(source, day).debitsMinor += amountMinor;
      change(destination, day).creditsMinor += amountMinor;
    }
  }
  return changes;
}

/** What each account moved on each day of effect; balances at the end of a day are read from it. */
export const accountDay = {
  folds: [onMany(ledger.posted, foldPosted), onMany(ledger.bulkPosted, foldBulkPosted)],
  reset: (sql: Parameters<Fold>[0]["sql"]) => sql`TRUNCATE ledger.account_day`,
};
