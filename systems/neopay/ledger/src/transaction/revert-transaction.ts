import { type Handler, isFault } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { postAlone } from "./post-alone.ts";
import { findTransactions, mirrored } from "./transaction.ts";

export const revertTransaction: Handler<typeof ledger.revert> = async (
  ctx,
  { id, reference, effectiveAt, metadata },
) => {
  const { tenant } = ctx.identity;
  // One round trip, in order: while another revert holds the row, the look at its mirror waits.
  const [, [earlier], [original]] = await Promise.all([
    ctx.sql`SELECT seq FROM ledger.transaction WHERE id = ${id} AND tenant = ${tenant} FOR NO KEY UPDATE`,
    ctx.sql<{ id: string }>`SELECT id FROM ledger.transaction WHERE reverts_id = ${id} AND tenant = ${tenant}`,
    findTransactions(ctx.sql, tenant, [id]),
  ]);
  if (original === undefined) throw ctx.faults.transactionNotFound({ transaction: id });
  if (earlier !== undefined) throw ctx.faults.alreadyReverted({ transaction: id, revertedById: earlier.id });
  const mirror = await postAlone(ctx, {
    id: ctx.newId(),
    reference: reference ?? `revert:${id}`,
    postings: mirrored(original.postings),
    effectiveAt: effectiveAt === undefined ? undefined : new Date(effectiveAt).toISOString(),
    metadata,
    revertsId: id,
  });
  if (isFault(mirror)) throw mirror;
  ctx.emit(ledger.reverted, { id, reference: original.reference, revertedById: mirror.id });
  return mirror;
};
