import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { endScheduled, lockScheduled } from "./scheduled.ts";

export const cancelScheduled: Handler<typeof ledger.cancelScheduled> = async (ctx, { id }) => {
  const waiting = await lockScheduled(ctx.sql, ctx.identity.tenant, id);
  if (waiting === undefined) throw ctx.faults.scheduledNotFound({ scheduled: id });
  const { status } = waiting;
  if (status !== "scheduled") throw ctx.faults.scheduledEnded({ scheduled: id, status });
  const canceled = await endScheduled(ctx.sql, waiting, { status: "canceled" });
  ctx.emit(ledger.scheduledCanceled, canceled);
  return canceled;
};
