import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import type { Verdict } from "./books.ts";
import { postBatch } from "./posting-batch.ts";
import { findDuplicates, refusalFault } from "./refusal.ts";
import type { BulkResult } from "./schemas.ts";
import { addressesOf, type NewTransaction, newTransaction, transactionOf } from "./transaction.ts";

/** A refused item is a result and no fault: the others stand, and an importer counts. */
export const postBulk: Handler<typeof ledger.postBulk> = async (ctx, { transactions, atomic, dryRun }) => {
  const at = ctx.now();
  const { tenant } = ctx.identity;
  const given = transactions.map((transaction) => newTransaction(ctx.newId(), transaction));
  const verdicts = await postBatch(ctx.sql, { tenant, at, allOrNone: atomic, dryRun }, given);
  const judged = given.map((transaction, place) => [transaction, verdicts[place] as Verdict] as const);
  const duplicates = await findDuplicates(ctx.sql, tenant, judged);
  const moved = new Set<string>();
  for (const [transaction, verdict] of judged) {
    if (verdict.kind !== "posted") continue;
    ctx.emit(ledger.posted, transactionOf(transaction, verdict.seq, at));
    for (const address of addressesOf(transaction.postings)) moved.add(address);
  }
  ctx.invalidate(...moved);
  const results = judged.map(([transaction, verdict]) => resultOf(transaction, verdict, duplicates));
  const count = (status: BulkResult["status"]) => results.filter((result) => result.status === status).length;
  return {
    receivedCount: results.length,
    postedCount: count("posted"),
    duplicateCount: count("duplicate"),
    refusedCount: count("refused"),
    notPostedCount: count("notPosted"),
    results,
  };
};

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
