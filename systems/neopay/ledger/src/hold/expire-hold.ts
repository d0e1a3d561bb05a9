import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { endOf, lockHold, releaseHold } from "./hold.ts";

export const expireHold: Handler<typeof ledger.expireHold> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  const at = ctx.now();
  const hold = await lockHold(ctx.sql, tenant, id);
  if (hold === undefined || hold.status !== "active" || hold.expires_at === null) return;
  if (endOf(hold, at) === undefined) {
    // The queue's clock runs ahead of ours.
    ctx.enqueue(ledger.expireHold, { id }, { at: hold.expires_at.getTime() });
    return;
  }
  const expired = await releaseHold(ctx.sql, hold, { status: "expired", at });
  ctx.emit(ledger.holdExpired, expired);
  ctx.invalidate(expired.source, expired.destination);
};
