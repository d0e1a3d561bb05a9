import type { CommandContext } from "@banyan/kernel/types";
import { ledger } from "../contract.ts";
import { tellCrossings } from "../monitor/tell-crossings.ts";
import { postBatch } from "./posting-batch.ts";
import { findDuplicates, type RefusalFault, refusalFault } from "./refusal.ts";
import type { Transaction } from "./schemas.ts";
import { addressesOf, type NewTransaction, transactionOf } from "./transaction.ts";

type Context = Pick<CommandContext<"ledger", unknown, object>, "identity" | "now" | "sql" | "emit" | "invalidate">;

/** Posts one transaction as a part of its command or job, with its event. Answers the fault that refuses it: then nothing was written. */
export async function postAlone(ctx: Context, transaction: NewTransaction): Promise<Transaction | RefusalFault> {
  const { tenant } = ctx.identity;
  const at = ctx.now();
  const [verdict] = await postBatch(ctx.sql, { tenant, at, allOrNone: false }, [transaction]);
  if (verdict === undefined || verdict.kind === "notPosted") throw new Error("ledger.post answered no verdict");
  if (verdict.kind !== "posted") {
    return refusalFault(transaction, verdict, await findDuplicates(ctx.sql, tenant, [[transaction, verdict]]));
  }
  const posted = transactionOf(transaction, verdict.seq, new Date(at).toISOString());
  ctx.emit(ledger.posted, posted);
  tellCrossings(ctx, posted, verdict.crossings);
  ctx.invalidate(...addressesOf([posted]));
  return posted;
}
