import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { postAlone } from "./post-alone.ts";
import { findTransactions, mirrored } from "./transaction.ts";

export const revertTransaction: Handler<typeof ledger.revert> = async (
  ctx,
  { id, reference, effectiveAt, metadata },
) => {
  const [original] = await findTransactions(ctx.sql, ctx.identity.tenant, { ids: [id] });
  if (original === undefined) throw ctx.faults.transactionNotFound({ transaction: id });
  // Another revert may commit after this look: then ledger.post raises a conflict, and the kernel runs all of this again.
  const [earlier] = await ctx.sql<{ id: string }>`
    SELECT id FROM ledger.transaction WHERE reverts_id = ${id} AND tenant = ${ctx.identity.tenant}`;
  if (earlier !== undefined) throw ctx.faults.alreadyReverted({ transaction: id, revertedById: earlier.id });
  const mirror = await postAlone(ctx, {
    id: ctx.newId(),
    reference: reference ?? `revert:${id}`,
    postings: mirrored(original.postings),
    effectiveAt: effectiveAt === undefined ? undefined : new Date(effectiveAt).toISOString(),
    metadata,
    revertsId: id,
  });
  ctx.emit(ledger.reverted, { id, reference: original.reference, revertedById: mirror.id });
  return mirror;
};
