import { type Handler, pageOf } from "@banyan/kernel";
import { merchantOf } from "@banyan/neopay-merchants/contract";
import type { payments } from "../contract.ts";
import type { Movement } from "../schemas.ts";
import { isKnownTo } from "./known-to.ts";
import { type PaymentRow, paymentOf, selectPayment } from "./payment-store.ts";

interface MovementRow {
  readonly id: string;
  readonly kind: Movement["kind"];
  readonly amount_minor: number;
  readonly fee_minor: number;
  readonly status: Movement["status"];
  readonly reason: string | null;
  readonly transaction_id: string | null;
  readonly begun_at: Date;
  readonly ended_at: Date | null;
}

export const findPayment: Handler<typeof payments.find> = async (ctx, { id }) => {
  const row = await selectPayment(ctx.sql, ctx.identity, id);
  if (row === undefined) throw ctx.faults.paymentNotFound({ id });
  return paymentOf(row);
};

export const listPayments: Handler<typeof payments.list> = async (ctx, given) => {
  const { merchant = merchantOf(ctx.identity), after = null, limit } = given;
  if (merchant === undefined) throw ctx.faults.merchantMissing();
  if (!isKnownTo(ctx.identity, merchant)) return { payments: [], next: null };
  // Ids are UUIDv7, so that they sort by the time of their making.
  const rows = await ctx.sql<PaymentRow>`
    SELECT * FROM payments.payment
    WHERE tenant = ${ctx.identity.tenant} AND merchant = ${merchant} AND (${after}::uuid IS NULL OR id < ${after}::uuid)
    ORDER BY id DESC LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ id }) => id);
  return { payments: page.map(paymentOf), next };
};

export const listMovements: Handler<typeof payments.movements> = async (ctx, { id }) => {
  if ((await selectPayment(ctx.sql, ctx.identity, id)) === undefined) throw ctx.faults.paymentNotFound({ id });
  const rows = await ctx.sql<MovementRow>`
    SELECT * FROM payments.movement WHERE payment_id = ${id} AND tenant = ${ctx.identity.tenant} ORDER BY begun_at, id`;
  return {
    movements: rows.map((row) => ({
      id: row.id,
      kind: row.kind,
      amountMinor: row.amount_minor,
      feeMinor: row.fee_minor,
      status: row.status,
      reason: row.reason,
      transactionId: row.transaction_id,
      begunAt: row.begun_at.toISOString(),
      endedAt: row.ended_at?.toISOString() ?? null,
    })),
  };
};
