import type { Identity, Sql } from "@banyan/kernel";
import type { FeePlan } from "@banyan/neopay-money";
import type { Method, Payment } from "../schemas.ts";
import { isKnownTo } from "./known-to.ts";
import { type MovementKind, type PaymentState, resultCodeOf } from "./payment.ts";

/** A row of payments.payment. */
export interface PaymentRow {
  readonly id: string;
  readonly merchant: string;
  readonly merchant_txn_id: string;
  readonly order_id: string;
  readonly amount_minor: number;
  readonly currency: string;
  readonly method: Method;
  readonly capture_mode: "auto" | "manual";
  readonly return_url: string | null;
  readonly fee_plan: FeePlan;
  readonly status: Payment["status"];
  readonly reason: string | null;
  readonly instrument: string | null;
  readonly authorization_ref: string | null;
  readonly authorized_minor: number;
  readonly captured_minor: number;
  readonly refunded_minor: number;
  readonly disputed_minor: number;
  readonly pending_kind: MovementKind | null;
  readonly pending_id: string | null;
  readonly pending_minor: number;
  readonly created_at: Date;
  readonly expires_at: Date;
}

export function stateOf(row: PaymentRow): PaymentState {
  return {
    status: row.status,
    amountMinor: row.amount_minor,
    authorizedMinor: row.authorized_minor,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    disputedMinor: row.disputed_minor,
    pending: row.pending_kind === null ? null : { kind: row.pending_kind, amountMinor: row.pending_minor },
    expiresAt: row.expires_at.getTime(),
  };
}

export function paymentOf(row: PaymentRow): Payment {
  const { pending_id: id, pending_kind: kind } = row;
  return {
    id: row.id,
    merchant: row.merchant,
    merchantTxnId: row.merchant_txn_id,
    orderId: row.order_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    method: row.method,
    capture: row.capture_mode,
    returnUrl: row.return_url,
    status: row.status,
    resultCode: resultCodeOf(stateOf(row)),
    reason: row.reason,
    pending: id === null || kind === null ? null : { id, kind },
    authorizedMinor: row.authorized_minor,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    disputedMinor: row.disputed_minor,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  };
}

/** What every event of the payment says. */
export function tellingOf(row: PaymentRow) {
  const { id, merchant, merchantTxnId, orderId, method, currency, status, resultCode } = paymentOf(row);
  return { paymentId: id, merchant, merchantTxnId, orderId, method, currency, status, resultCode };
}

/** The payment, where there is one that the caller may know of. */
export async function selectPayment(sql: Sql, identity: Identity, id: string): Promise<PaymentRow | undefined> {
  const [row] = await sql<PaymentRow>`SELECT * FROM payments.payment WHERE id = ${id} AND tenant = ${identity.tenant}`;
  return row !== undefined && isKnownTo(identity, row.merchant) ? row : undefined;
}

/** The payment, locked until the end of the transaction. */
export async function lockPayment(sql: Sql, tenant: string, id: string): Promise<PaymentRow | undefined> {
  return (await lockPayments(sql, tenant, [id])).get(id);
}

/** Those of the payments that there are, by id, locked in the order of their ids until the end of the transaction. */
export async function lockPayments(sql: Sql, tenant: string, ids: readonly string[]): Promise<Map<string, PaymentRow>> {
  const rows = await sql<PaymentRow>`
    SELECT * FROM payments.payment WHERE id = ANY (${ids}) AND tenant = ${tenant} ORDER BY id FOR NO KEY UPDATE`;
  return new Map(rows.map((row) => [row.id, row]));
}
