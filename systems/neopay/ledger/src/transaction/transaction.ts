import { isDeepStrictEqual } from "node:util";
import type { Sql } from "@banyan/kernel";
import type { Posting, PostTransaction, Transaction } from "./schemas.ts";

/** A transaction that is to be posted. */
export interface NewTransaction {
  readonly id: string;
  readonly reference: string;
  readonly postings: readonly Posting[];
  readonly effectiveAt: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly revertsId: string | null;
}

/** A transaction to post, with its time in UTC as it will be stored. */
export function newTransaction(
  id: string,
  { reference, postings, effectiveAt, metadata }: PostTransaction,
): NewTransaction {
  return {
    id,
    reference,
    postings,
    effectiveAt: effectiveAt === undefined ? undefined : new Date(effectiveAt).toISOString(),
    metadata,
    revertsId: null,
  };
}

/** What a posted transaction looks like from outside. `recordedAt` is an instant as it is stored. */
export function transactionOf(posted: NewTransaction, seq: number, recordedAt: string): Transaction {
  return {
    id: posted.id,
    seq,
    reference: posted.reference,
    postings: [...posted.postings],
    effectiveAt: posted.effectiveAt ?? recordedAt,
    recordedAt,
    revertsId: posted.revertsId,
    metadata: { ...posted.metadata },
  };
}

/** The accounts that the transactions move, each once. */
export function addressesOf(transactions: readonly Pick<NewTransaction, "postings">[]): string[] {
  const addresses = new Set<string>();
  for (const { postings } of transactions) {
    for (const { source, destination } of postings) addresses.add(source).add(destination);
  }
  return [...addresses];
}

/** The legs that undo `postings`: each the other way round, the last one first. */
export function mirrored(postings: readonly Posting[]): Posting[] {
  return postings.toReversed().map((leg) => ({ ...leg, source: leg.destination, destination: leg.source }));
}

/** Whether `given` asks for what `stored` is: a time that was left open then or now does not count. */
export function hasSameContent(stored: Transaction, given: NewTransaction): boolean {
  return (
    isDeepStrictEqual(stored.postings, given.postings) &&
    isDeepStrictEqual(stored.metadata, given.metadata) &&
    stored.revertsId === given.revertsId &&
    (given.effectiveAt === undefined || stored.effectiveAt === given.effectiveAt)
  );
}

interface TransactionRow {
  readonly id: string;
  readonly seq: number;
  readonly reference: string;
  readonly effective_at: Date;
  readonly recorded_at: Date;
  readonly reverts_id: string | null;
  readonly metadata: Record<string, string>;
  readonly postings: Posting[];
}

/** The stored transactions of `ids`, by seq. */
export async function findTransactions(sql: Sql, tenant: string, ids: readonly string[]): Promise<Transaction[]> {
  // Flat and grouped: a lateral subquery may be planned to read all accounts once per transaction.
  const rows = await sql<TransactionRow>`
    SELECT t.id, t.seq, t.reference, t.effective_at, t.recorded_at, t.reverts_id, t.metadata,
      jsonb_agg(jsonb_build_object('source', s.address, 'destination', d.address, 'amountMinor', p.amount_minor, 'currency', p.currency)
        ORDER BY p.leg) AS postings
    FROM ledger.transaction AS t
    JOIN ledger.posting AS p ON p.seq = t.seq
    JOIN ledger.account AS s ON s.id = p.source_id
    JOIN ledger.account AS d ON d.id = p.destination_id
    WHERE t.tenant = ${tenant} AND t.id = ANY (${ids})
    GROUP BY t.seq ORDER BY t.seq`;
  return rows.map((row) => ({
    id: row.id,
    seq: row.seq,
    reference: row.reference,
    postings: row.postings.map(({ source, destination, amountMinor, currency }) => ({
      source,
      destination,
      amountMinor,
      currency,
    })),
    effectiveAt: row.effective_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    revertsId: row.reverts_id,
    metadata: row.metadata,
  }));
}
