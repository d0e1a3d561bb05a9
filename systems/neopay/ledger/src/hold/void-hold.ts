import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { endOf, lockHold, releaseHold } from "./hold.ts";

export const voidHold: Handler<typeof ledger.voidHold> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  const at = ctx.now();
  const hold = await lockHold(ctx.sql, tenant, id);
  if (hold === undefined) throw ctx.faults.holdNotFound({ hold: id });
  const status = endOf(hold, at);
  if (status !== undefined) throw ctx.faults.holdNotActive({ hold: id, status });
  const voided = await releaseHold(ctx.sql, hold, { status: "voided", at });
  ctx.emit(ledger.holdVoided, voided);
  ctx.invalidate(voided.source, voided.destination);
  return voided;
};
