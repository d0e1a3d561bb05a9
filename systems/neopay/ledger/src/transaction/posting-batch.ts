import { setImmediate as turn } from "node:timers/promises";
import type { Sql } from "@banyan/kernel";
import { Books, type LockedAccount, type Verdict } from "./books.ts";
import { addressesOf, type NewTransaction } from "./transaction.ts";

/** Of fewer, a write of its own costs more than the time that it gains. */
const sentAtOnceFrom = 200;
/** Of more, the server would wait too long for the first to be judged, and for an answer of its own to be read. */
const partMax = 500;

interface Manner {
  readonly tenant: string;
  /** When it is recorded, in milliseconds since 1970. */
  readonly at: number;
  readonly allOrNone: boolean;
  /** Judges only; nothing is posted. */
  readonly dryRun?: boolean;
}

/** Posts the transactions of one tenant in order, with a verdict for each: see `postInParts`. */
export async function postBatch(...posting: Parameters<typeof postInParts>): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for await (const part of postInParts(...posting)) verdicts.push(...part);
  return verdicts;
}

/**
 * Posts the transactions of one tenant in order, with a verdict for each: see `Books`. With `allOrNone` a single refusal leaves
 * nothing posted. One round trip: what is recorded is not awaited, and travels with the commit, which fails with it. Of many it is
 * sent in parts, unless one may undo the others: the server writes a part while the next is judged, and while the caller makes the
 * events of those before.
 */
export async function* postInParts(
  sql: Sql,
  { tenant, at, allOrNone, dryRun = false }: Manner,
  transactions: readonly NewTransaction[],
): AsyncGenerator<readonly Verdict[]> {
  const addresses = addressesOf(transactions);
  const references = transactions.map(({ reference }) => reference);
  const { books, numbers } = await openBooks(sql, tenant, {
    addresses,
    references,
    count: dryRun ? 0 : references.length,
  });
  const partSize = allOrNone || dryRun ? transactions.length : partMax;
  for (let from = 0; from < transactions.length; from += partSize) {
    const part = transactions.slice(from, from + partSize);
    const verdicts = part.map((each, index) => books.enter(each, numbers[from + index] ?? 0));
    if (dryRun || (allOrNone && books.enteredCount < part.length)) {
      yield verdicts.map((verdict) => (verdict.kind === "posted" ? { kind: "notPosted" } : verdict));
      return;
    }
    const isLast = from + part.length === transactions.length;
    const isSentAtOnce = books.enteredCount >= sentAtOnceFrom;
    if (isLast ? books.moved.size > 0 : books.enteredCount > 0) void recordBooks(sql, { tenant, at, isLast }, books);
    if (isSentAtOnce) await turn();
    yield verdicts;
  }
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
      SELECT id, address, currency, floor_minor, status, entry_count, debits_minor, credits_minor, pending_debit_minor, pending_credit_minor,
        monitors
      FROM ledger.lock_accounts(${tenant}, ${addresses})`,
    sql<{ reference: string; id: string }>`SELECT reference, id FROM ledger.taken(${tenant}, ${references})`,
    sql<{ numbers: readonly number[] }>`SELECT ledger.draw(${count}) AS numbers`,
  ]);
  const books = new Books(accounts, new Map(taken.map(({ reference, id }) => [reference, id])));
  return { books, numbers: drawn?.numbers ?? [] };
}

interface Recording {
  readonly tenant: string;
  readonly at: number;
  /** Nothing more is entered: the accounts are written as they are now. */
  readonly isLast: boolean;
}

/** Writes what was entered since it was last called. */
export function recordBooks(sql: Sql, { tenant, at, isLast }: Recording, books: Books): Promise<unknown> {
  const { items, legs } = books.takeEntered();
  const accounts = isLast ? [...books.moved] : [];
  return sql`
    SELECT ledger.record(${tenant}, ${new Date(at)},
      ${items.seqs}, ${items.ids}, ${items.references}, ${items.effectiveAts}, ${items.revertsIds}, ${items.metadata},
      ${legs.seqs}, ${legs.numbers}, ${legs.sources}, ${legs.destinations}, ${legs.amounts}, ${legs.currencies}, ${legs.effectiveAts},
      ${legs.sourceEntries}, ${legs.sourceAfters}, ${legs.destinationEntries}, ${legs.destinationAfters},
      ${accounts.map(({ id }) => id)}, ${accounts.map(({ entry_count }) => entry_count)},
      ${accounts.map(({ debits_minor }) => debits_minor)}, ${accounts.map(({ credits_minor }) => credits_minor)})`;
}
