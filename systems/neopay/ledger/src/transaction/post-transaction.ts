import { batched } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { tellCrossings } from "../monitor/tell-crossings.ts";
import { postBatch } from "./posting-batch.ts";
import { findDuplicates, refusalFault } from "./refusal.ts";
import { addressesOf, newTransaction, transactionOf } from "./transaction.ts";

/** Posts in flight share one statement and one commit; each has its own verdict, key, event and audit record. */
export const postTransaction = batched<typeof ledger.post>(
  async (ctx, items) => {
    const tenant = items[0]?.identity.tenant ?? "";
    const at = ctx.now();
    const recordedAt = new Date(at).toISOString();
    const given = items.map(({ input }) => newTransaction(ctx.newId(), input));
    const verdicts = await postBatch(ctx.sql, { tenant, at, allOrNone: false }, given);
    const judged = given.map(
      (transaction, place) => [transaction, verdicts[place] as (typeof verdicts)[number]] as const,
    );
    const duplicates = await findDuplicates(ctx.sql, tenant, judged);
    return judged.map(([transaction, verdict], place) => {
      if (verdict.kind === "notPosted") throw new Error("ledger.post left an item open though each stands for itself");
      if (verdict.kind !== "posted") return refusalFault(transaction, verdict, duplicates);
      const posted = transactionOf(transaction, verdict.seq, recordedAt);
      const item = items[place] as (typeof items)[number];
      item.emit(ledger.posted, posted);
      tellCrossings(item, posted, verdict.crossings);
      item.invalidate(...addressesOf([posted]));
      return posted;
    });
  },
  { perTenant: true },
);
