import type { Handler } from "@banyan/kernel";
import { payments } from "../contract.ts";
import { endMovement } from "../intent/movement.ts";
import { lockPayment, type PaymentRow, tellingOf } from "../intent/payment-store.ts";
import { beginCapture } from "./capture-steps.ts";
import { endUnauthorized } from "./refuse.ts";

type Context = Parameters<Handler<typeof payments.takeNotice>>[0];

/**
 * The first notice that the payment of a reference waits for ends its authorization. What was paid is captured in the same
 * transaction, so that neither expiry nor cancellation comes in between; a workflow posts it.
 */
export const takeNotice: Handler<typeof payments.takeNotice> = async (ctx, { provider, eventId, type, data }) => {
  const { reference } = data;
  const { tenant } = ctx.identity;
  const [notice] = await ctx.sql`
    INSERT INTO payments.notice (tenant, provider, event_id, reference, outcome, taken_at)
    VALUES (${tenant}, ${provider}, ${eventId}, ${reference}, ${type}, ${new Date(ctx.now())})
    ON CONFLICT DO NOTHING RETURNING event_id`;
  if (notice === undefined) return { isNew: false, isAwaited: false };
  const payment = await awaitedBy(ctx, reference);
  if (payment === undefined) {
    if (type === "authorized") ctx.emit(payments.unmatched, { provider, eventId, reference });
    return { isNew: true, isAwaited: false };
  }
  const { id } = payment;
  const movement = { paymentId: id, id: reference };
  if (type === "authorized") {
    const row = await endMovement(ctx, { ...movement, isDone: true, authorizationRef: reference });
    if (row === undefined) throw new Error(`the authorization ${reference} ended under its payment's lock`);
    ctx.emit(payments.authorized, { ...tellingOf(row), authorizedMinor: row.authorized_minor });
    await beginCapture(ctx, { paymentId: id, captureId: ctx.newId() });
    ctx.start(payments.settle, { id });
  } else {
    const becomes = type === "canceled" ? "canceled" : "failed";
    const row = await endMovement(ctx, { ...movement, isDone: false, becomes, reason: type });
    if (row !== undefined) await endUnauthorized(ctx, row, type);
  }
  return { isNew: true, isAwaited: true };
};

/** The payment that waits for a notice of the reference, locked. None waits beyond its expiry, though that may not have been seen to yet. */
async function awaitedBy(ctx: Context, reference: string): Promise<PaymentRow | undefined> {
  const { tenant } = ctx.identity;
  const [found] = await ctx.sql<{ payment_id: string }>`
    SELECT payment_id FROM payments.movement WHERE id = ${reference} AND tenant = ${tenant}`;
  const payment = found && (await lockPayment(ctx.sql, tenant, found.payment_id));
  if (payment?.pending_id !== reference || (payment.method !== "ATM" && payment.method !== "QR")) return undefined;
  return payment.expires_at.getTime() > ctx.now() ? payment : undefined;
}
