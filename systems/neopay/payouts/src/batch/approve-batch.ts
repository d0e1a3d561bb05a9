import type { Handler } from "@banyan/kernel";
import { payouts } from "../contract.ts";
import { approve, cancel, lockBatch } from "./batch-store.ts";

/** By somebody else than who made it; the database holds to that, too. */
export const approveBatch: Handler<typeof payouts.approveBatch> = async (ctx, { id }) => {
  const { tenant, subject } = ctx.identity;
  const batch = await lockBatch(ctx.sql, { tenant, id });
  if (batch === null) throw ctx.faults.batchNotFound({ id });
  if (batch.status !== "draft") throw ctx.faults.batchNotDraft({ id, status: batch.status });
  if (batch.createdBy === subject) throw ctx.faults.approverIsCreator({ id, createdBy: subject });
  const approved = await approve(ctx.sql, { tenant, id }, { by: subject, at: new Date(ctx.now()) });
  ctx.enqueue(payouts.send, { id });
  return approved;
};

export const cancelBatch: Handler<typeof payouts.cancelBatch> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  const batch = await lockBatch(ctx.sql, { tenant, id });
  if (batch === null) throw ctx.faults.batchNotFound({ id });
  if (batch.status !== "draft") throw ctx.faults.batchNotDraft({ id, status: batch.status });
  return await cancel(ctx.sql, { tenant, id });
};
