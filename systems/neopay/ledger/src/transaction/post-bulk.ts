import { type BatchHandler, batched, type Received, type Returned } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { tellCrossings } from "../monitor/tell-crossings.ts";
import type { Verdict } from "./books.ts";
import { postInParts } from "./posting-batch.ts";
import { findDuplicates, refusalFault } from "./refusal.ts";
import type { BulkResult, Transaction } from "./schemas.ts";
import { addressesOf, type NewTransaction, newTransaction, transactionOf } from "./transaction.ts";

/** One at a time in each process: two would wait for each other's accounts at the server, holding what others want. */
export const postBulk = batched<typeof ledger.postBulk>(
  (ctx, items) => Promise.all(items.map((item) => postOne(ctx, item))),
  { itemsMax: 1 },
);

type BulkHandler = BatchHandler<typeof ledger.postBulk>;
type BulkItem = Parameters<BulkHandler>[1][number];

/** A refused item is a result and no fault: the others stand, and an importer counts. */
async function postOne(ctx: Parameters<BulkHandler>[0], item: BulkItem): Promise<Returned<typeof ledger.postBulk>> {
  const { transactions, atomic, dryRun }: Received<typeof ledger.postBulk> = item.input;
  const at = ctx.now();
  const recordedAt = new Date(at).toISOString();
  const { tenant } = item.identity;
  const given = transactions.map((transaction) => newTransaction(ctx.newId(), transaction));
  const judged: (readonly [NewTransaction, Verdict])[] = [];
  for await (const verdicts of postInParts(ctx.sql, { tenant, at, allOrNone: atomic, dryRun }, given)) {
    const posted: Transaction[] = [];
    for (const verdict of verdicts) {
      const transaction = given[judged.length] as NewTransaction;
      judged.push([transaction, verdict]);
      if (verdict.kind !== "posted") continue;
      const told = transactionOf(transaction, verdict.seq, recordedAt);
      posted.push(told);
      tellCrossings(item, told, verdict.crossings);
    }
    for (const transactions of sharesOf(posted)) item.emit(ledger.bulkPosted, { transactions });
  }
  const duplicates = await findDuplicates(ctx.sql, tenant, judged);
  const counts = { posted: 0, duplicate: 0, refused: 0, notPosted: 0 };
  const results = judged.map(([transaction, verdict]) => {
    const result = resultOf(transaction, verdict, duplicates);
    counts[result.status]++;
    return result;
  });
  if (counts.posted > 0) item.invalidate(...addressesOf(given));
  return {
    receivedCount: results.length,
    postedCount: counts.posted,
    duplicateCount: counts.duplicate,
    refusedCount: counts.refused,
    notPostedCount: counts.notPosted,
    results,
  };
}

/**
 * What one event tells: few enough that subscribers, logs and whoever watches can hold many such events, that each fits into the megabyte
 * of a log's message, and enough that a transfer's share of what an event costs is small.
 */
const shareMax = { transactions: 100, legs: 1_000, metadataChars: 100_000 };

function sharesOf(posted: readonly Transaction[]): Transaction[][] {
  const shares: Transaction[][] = [];
  let [legs, chars] = [0, 0];
  for (const transaction of posted) {
    const last = shares.at(-1);
    const own = { legs: transaction.postings.length, chars: charsOf(transaction.metadata) };
    legs += own.legs;
    chars += own.chars;
    const fits = legs <= shareMax.legs && chars <= shareMax.metadataChars;
    if (last !== undefined && last.length < shareMax.transactions && fits) last.push(transaction);
    else {
      shares.push([transaction]);
      [legs, chars] = [own.legs, own.chars];
    }
  }
  return shares;
}

/** Of all that a transaction carries nothing else is long: fifty texts of a thousand characters. */
function charsOf(metadata: Transaction["metadata"]): number {
  let chars = 0;
  for (const [name, text] of Object.entries(metadata)) chars += name.length + text.length;
  return chars;
}

function resultOf(
  given: NewTransaction,
  verdict: Verdict,
  duplicates: Awaited<ReturnType<typeof findDuplicates>>,
): BulkResult {
  const none = { reference: given.reference, id: null, seq: null, sameContent: null, fault: null };
  switch (verdict.kind) {
    case "posted":
      return { ...none, status: "posted", id: given.id, seq: verdict.seq };
    case "notPosted":
      return { ...none, status: "notPosted" };
    case "duplicateReference": {
      // In an all-or-none batch the earlier one may be an item that was not posted either: then nothing holds the reference.
      const earlier = duplicates.get(given);
      return earlier === undefined
        ? { ...none, status: "duplicate", sameContent: false }
        : { ...none, status: "duplicate", id: verdict.existingId, ...earlier };
    }
    default: {
      const { code, message, details } = refusalFault(given, verdict, duplicates);
      return { ...none, status: "refused", fault: { code, message, details } };
    }
  }
}
