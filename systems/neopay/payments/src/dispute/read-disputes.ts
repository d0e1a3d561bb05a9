import { type Handler, pageOf } from "@banyan/kernel";
import { merchantOf } from "@banyan/neopay-merchants/contract";
import type { payments } from "../contract.ts";
import { isKnownTo } from "../intent/known-to.ts";
import { type DisputeRow, disputeOf, selectDispute } from "./dispute-store.ts";

export const findDispute: Handler<typeof payments.dispute> = async (ctx, { id }) => {
  const row = await selectDispute(ctx.sql, ctx.identity, id);
  if (row === undefined) throw ctx.faults.disputeNotFound({ id });
  return disputeOf(row);
};

export const listDisputes: Handler<typeof payments.disputes> = async (ctx, given) => {
  const { merchant = merchantOf(ctx.identity) ?? null, status = null, after = null, limit } = given;
  // Those of all are for who operates payments.
  if (!isKnownTo(ctx.identity, merchant ?? "")) return { disputes: [], next: null };
  // Ids are UUIDv7, so that they sort by the time of their opening.
  const rows = await ctx.sql<DisputeRow>`
    SELECT d.* FROM payments.dispute AS d JOIN payments.payment AS p ON p.id = d.payment_id AND p.tenant = d.tenant
    WHERE d.tenant = ${ctx.identity.tenant} AND (${merchant}::text IS NULL OR p.merchant = ${merchant})
      AND (${status}::text IS NULL OR d.status = ${status}) AND (${after}::uuid IS NULL OR d.id > ${after}::uuid)
    ORDER BY d.id LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ id }) => id);
  return { disputes: page.map(disputeOf), next };
};
