import type { Handler, Received } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { postAlone } from "../transaction/post-alone.ts";
import type { Posting } from "../transaction/schemas.ts";
import { enterHold, refuseDuplicate } from "./enter-hold.ts";
import { endOf, type HoldRow, lockHold, settleHold } from "./hold.ts";

export const commitHold: Handler<typeof ledger.commitHold> = async (ctx, input) => {
  const { id, rest } = input;
  const { tenant } = ctx.identity;
  const at = ctx.now();
  const hold = await lockHold(ctx.sql, tenant, id);
  if (hold === undefined) throw ctx.faults.holdNotFound({ hold: id });
  const status = endOf(hold, at);
  if (status !== undefined) throw ctx.faults.holdNotActive({ hold: id, status });
  const postings = postingsOf(hold, input);
  const capturedMinor = postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  if (capturedMinor > hold.amount_minor) throw ctx.faults.holdExceeded({ hold: id, heldMinor: hold.amount_minor });
  const transactionId = ctx.newId();
  const restId = rest === undefined || capturedMinor === hold.amount_minor ? null : ctx.newId();
  const beside = postings.map(({ destination }) => destination);
  // Released first: the floor must see the money that was set aside for exactly this.
  const committed = await settleHold(ctx.sql, hold, {
    status: "committed",
    capturedMinor,
    transactionId,
    restId,
    beside,
    at,
  });
  await postAlone(ctx, {
    id: transactionId,
    reference: hold.reference,
    postings,
    effectiveAt: undefined,
    metadata: hold.metadata,
    revertsId: null,
  });
  ctx.emit(ledger.holdCommitted, committed);
  ctx.invalidate(committed.source, committed.destination);
  if (rest === undefined || restId === null) return committed;
  const restMinor = hold.amount_minor - capturedMinor;
  const { source, destination, currency, expiresAt, metadata } = committed;
  const asked = { ...rest, source, destination, amountMinor: restMinor, currency, expiresAt, metadata };
  await refuseDuplicate(ctx, asked);
  await enterHold(ctx, { ...hold, ...rest, id: restId, amount_minor: restMinor });
  return committed;
};

/** Where the captured money goes: to the parts, or all of it to the hold's destination. */
function postingsOf(hold: HoldRow, { amountMinor, parts }: Received<typeof ledger.commitHold>): Posting[] {
  const whole = [{ destination: hold.destination, amountMinor: amountMinor ?? hold.amount_minor }];
  return (parts ?? whole).map((part) => ({ source: hold.source, ...part, currency: hold.currency }));
}
