import type { Handler } from "@banyan/kernel";
import { payments } from "../contract.ts";
import { isKnownTo } from "../intent/known-to.ts";
import { refusalFault } from "../intent/movement.ts";
import { begin } from "../intent/payment.ts";
import { lockPayment, type PaymentRow, stateOf, tellingOf } from "../intent/payment-store.ts";
import { type DisputeRow, disputeOf } from "./dispute-store.ts";

/** What is disputed is set apart as a refund would be: the two can never give back more than was captured. */
export const openDispute: Handler<typeof payments.openDispute> = async (ctx, { id, amountMinor, reason }) => {
  const { tenant } = ctx.identity;
  const row = await lockPayment(ctx.sql, tenant, id);
  if (row === undefined || !isKnownTo(ctx.identity, row.merchant)) throw ctx.faults.paymentNotFound({ id });
  const asRefund = begin(stateOf(row), { kind: "refund", amountMinor }, ctx.now());
  if ("refused" in asRefund) throw refusalFault(row, asRefund);
  const disputedMinor = asRefund.pending?.amountMinor ?? 0;
  const [dispute] = await ctx.sql<DisputeRow>`
    INSERT INTO payments.dispute (id, tenant, payment_id, amount_minor, reason, opened_at)
    VALUES (${ctx.newId()}, ${tenant}, ${id}, ${disputedMinor}, ${reason}, ${new Date(ctx.now())}) RETURNING *`;
  const [payment] = await ctx.sql<PaymentRow>`
    UPDATE payments.payment SET disputed_minor = disputed_minor + ${disputedMinor}
    WHERE id = ${id} AND tenant = ${tenant} RETURNING *`;
  if (dispute === undefined || payment === undefined) throw new Error(`the payment ${id} went away under its lock`);
  ctx.emit(payments.disputeOpened, { ...tellingOf(payment), disputeId: dispute.id, amountMinor: disputedMinor });
  return disputeOf(dispute);
};
