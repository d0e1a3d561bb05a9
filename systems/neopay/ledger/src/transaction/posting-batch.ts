import { setImmediate as turn } from "node:timers/promises";
import type { Sql } from "@banyan/kernel";
import { Books, type LockedAccount, type Verdict } from "./books.ts";
import { addressesOf, type NewTransaction } from "./transaction.ts";

/** Of fewer, a write of its own costs more than the time that it gains. */
const sentAtOnceFrom = 200;

interface Manner {
  readonly tenant: string;
  /** When it is recorded, in milliseconds since 1970. */
  readonly at: number;
  readonly allOrNone: boolean;
  /** Judges only; nothing is posted. */
  readonly dryRun?: boolean;
}

/**
 * Posts the transactions of one tenant in order, with a verdict for each: see `Books`. With `allOrNone` a single refusal leaves
 * nothing posted. One round trip: what is recorded is not awaited, and travels with the commit, which fails with it. Of many it is
 * sent at once: the server writes them while the caller makes their events.
 */
export async function postBatch(
  sql: Sql,
  { tenant, at, allOrNone, dryRun = false }: Manner,
  transactions: readonly NewTransaction[],
): Promise<readonly Verdict[]> {
  const addresses = addressesOf(transactions);
  const references = transactions.map(({ reference }) => reference);
  const { books, numbers } = await openBooks(sql, tenant, {
    addresses,
    references,
    count: dryRun ? 0 : references.length,
  });
  const verdicts = transactions.map((each, index) => books.enter(each, numbers[index] ?? 0));
  if (dryRun || (allOrNone && books.items.seqs.length < transactions.length)) {
    return verdicts.map((verdict) => (verdict.kind === "posted" ? { kind: "notPosted" } : verdict));
  }
  if (books.items.seqs.length > 0) void recordBooks(sql, { tenant, at }, books);
  if (books.items.seqs.length >= sentAtOnceFrom) await turn();
  return verdicts;
}

/** What is to be posted: the accounts that it moves, its references, and how many transactions it is. */
interface Opening {
  readonly addresses: readonly string[];
  readonly references: readonly string[];
  readonly count: number;
}

/** Locks the accounts, then looks which references are taken, and draws as many numbers. One round trip. */
export async function openBooks(
  sql: Sql,
  tenant: string,
  { addresses, references, count }: Opening,
): Promise<{ readonly books: Books; readonly numbers: readonly number[] }> {
  const [accounts, taken, [drawn]] = await Promise.all([
    sql<LockedAccount>`
      SELECT id, address, currency, floor_minor, status, entry_count, debits_minor, credits_minor, pending_debit_minor, pending_credit_minor
      FROM ledger.lock_accounts(${tenant}, ${addresses})`,
    sql<{ reference: string; id: string }>`SELECT reference, id FROM ledger.taken(${tenant}, ${references})`,
    sql<{ numbers: readonly number[] }>`SELECT ledger.draw(${count}) AS numbers`,
  ]);
  const books = new Books(accounts, new Map(taken.map(({ reference, id }) => [reference, id])));
  return { books, numbers: drawn?.numbers ?? [] };
}

/** Writes what was entered. */
export function recordBooks(
  sql: Sql,
  { tenant, at }: { readonly tenant: string; readonly at: number },
  { items, legs, moved }: Books,
): Promise<unknown> {
  const accounts = [...moved];
  return sql`
    SELECT ledger.record(${tenant}, ${new Date(at)},
      ${items.seqs}, ${items.ids}, ${items.references}, ${items.effectiveAts}, ${items.revertsIds}, ${items.metadata},
      ${legs.seqs}, ${legs.numbers}, ${legs.sources}, ${legs.destinations}, ${legs.amounts}, ${legs.currencies}, ${legs.effectiveAts},
      ${legs.sourceEntries}, ${legs.sourceAfters}, ${legs.destinationEntries}, ${legs.destinationAfters},
      ${accounts.map(({ id }) => id)}, ${accounts.map(({ entry_count }) => entry_count)},
      ${accounts.map(({ debits_minor }) => debits_minor)}, ${accounts.map(({ credits_minor }) => credits_minor)})`;
}
