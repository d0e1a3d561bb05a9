import { type BatchHandler, batched, type Returned } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { postBatch } from "./posting-batch.ts";
import { findDuplicates, refusalFault } from "./refusal.ts";
import { addressesOf, newTransaction, transactionOf } from "./transaction.ts";

type Answer = Awaited<ReturnType<BatchHandler<typeof ledger.post>>>[number];

/** Posts in flight share one statement and one commit; each has its own verdict, key, event and audit record. */
const postTogether: BatchHandler<typeof ledger.post> = async (ctx, items) => {
  const at = ctx.now();
  const recordedAt = new Date(at).toISOString();
  const answers: Answer[] = new Array(items.length);
  const byTenant = Map.groupBy(items.keys(), (index) => items[index]?.identity.tenant ?? "");
  // Sorted, so that two groups of several tenants lock their accounts in one order.
  for (const tenant of [...byTenant.keys()].sort()) {
    const indexes = byTenant.get(tenant) ?? [];
    const given = indexes.map((index) => newTransaction(ctx.newId(), (items[index] as (typeof items)[number]).input));
    const verdicts = await postBatch(ctx.sql, { tenant, at, allOrNone: false }, given);
    const judged = given.map(
      (transaction, place) => [transaction, verdicts[place] as (typeof verdicts)[number]] as const,
    );
    const duplicates = await findDuplicates(ctx.sql, tenant, judged);
    for (const [place, [transaction, verdict]] of judged.entries()) {
      const index = indexes[place] as number;
      if (verdict.kind === "notPosted") throw new Error("ledger.post left an item open though each stands for itself");
      if (verdict.kind !== "posted") {
        answers[index] = refusalFault(transaction, verdict, duplicates);
        continue;
      }
      const posted: Returned<typeof ledger.post> = transactionOf(transaction, verdict.seq, recordedAt);
      items[index]?.emit(ledger.posted, posted);
      items[index]?.invalidate(...addressesOf([posted]));
      answers[index] = posted;
    }
  }
  return answers;
};

export const postTransaction = batched<typeof ledger.post>(postTogether);
