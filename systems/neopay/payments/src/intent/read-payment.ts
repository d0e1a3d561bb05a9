import type { Handler } from "@banyan/kernel";
import type { payments } from "../contract.ts";
import type { Movement } from "../schemas.ts";
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
  const row = await selectPayment(ctx.sql, ctx.identity.tenant, id);
  if (row === undefined) throw ctx.faults.paymentNotFound({ id });
  return paymentOf(row);
};

export const listPayments: Handler<typeof payments.list> = async (ctx, { merchant, before = null, limit }) => {
  // Ids are UUIDv7, so that they sort by the time of their making.
  const rows = await ctx.sql<PaymentRow>`
    SELECT * FROM payments.payment
    WHERE tenant = ${ctx.identity.tenant} AND merchant = ${merchant} AND (${before}::uuid IS NULL OR id < ${before}::uuid)
    ORDER BY id DESC LIMIT ${limit + 1}`;
  const page = rows.slice(0, limit).map(paymentOf);
  return { payments: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
};

export const listMovements: Handler<typeof payments.movements> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  if ((await selectPayment(ctx.sql, tenant, id)) === undefined) throw ctx.faults.paymentNotFound({ id });
  const rows = await ctx.sql<MovementRow>`
    SELECT * FROM payments.movement WHERE payment_id = ${id} AND tenant = ${tenant} ORDER BY begun_at, id`;
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
