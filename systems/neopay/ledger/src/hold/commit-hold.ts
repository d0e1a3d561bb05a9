import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { postAlone } from "../transaction/post-alone.ts";
import { endOf, lockHold, settleHold } from "./hold.ts";

export const commitHold: Handler<typeof ledger.commitHold> = async (ctx, { id, amountMinor }) => {
  const { tenant } = ctx.identity;
  const at = ctx.now();
  const hold = await lockHold(ctx.sql, tenant, id);
  if (hold === undefined) throw ctx.faults.holdNotFound({ hold: id });
  const status = endOf(hold, at);
  if (status !== undefined) throw ctx.faults.holdNotActive({ hold: id, status });
  const capturedMinor = amountMinor ?? hold.amount_minor;
  if (capturedMinor > hold.amount_minor) throw ctx.faults.holdExceeded({ hold: id, heldMinor: hold.amount_minor });
  const transactionId = ctx.newId();
  // Released first: the floor must see the money that was set aside for exactly this.
  const committed = await settleHold(ctx.sql, hold, { status: "committed", capturedMinor, transactionId, at });
  await postAlone(ctx, {
    id: transactionId,
    reference: hold.reference,
    postings: [
      { source: hold.source, destination: hold.destination, amountMinor: capturedMinor, currency: hold.currency },
    ],
    effectiveAt: undefined,
    metadata: hold.metadata,
    revertsId: null,
  });
  ctx.emit(ledger.holdCommitted, committed);
  ctx.invalidate(committed.source, committed.destination);
  return committed;
};
