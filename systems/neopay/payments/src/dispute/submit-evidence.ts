import type { Handler } from "@banyan/kernel";
import type { payments } from "../contract.ts";
import { type DisputeRow, disputeOf, lockDispute } from "./dispute-store.ts";

export const submitEvidence: Handler<typeof payments.submitEvidence> = async (ctx, { id, kind, text }) => {
  const found = await lockDispute(ctx.sql, ctx.identity, id);
  if (found === undefined) throw ctx.faults.disputeNotFound({ id });
  if (found.status !== "open") throw ctx.faults.disputeClosed({ id, status: found.status });
  const evidence = [...found.evidence, { kind, text, at: new Date(ctx.now()).toISOString() }];
  const [row] = await ctx.sql<DisputeRow>`
    UPDATE payments.dispute SET evidence = ${JSON.stringify(evidence)}::jsonb WHERE id = ${id} AND tenant = ${ctx.identity.tenant} RETURNING *`;
  if (row === undefined) throw new Error(`the dispute ${id} went away under its lock`);
  return disputeOf(row);
};
