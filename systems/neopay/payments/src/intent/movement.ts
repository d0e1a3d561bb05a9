import type { CommandContext } from "@banyan/kernel/types";
import { feeOfPart } from "@banyan/neopay-money";
import { payments } from "../contract.ts";
import { begin, done, type MovementKind, type PaymentState, type Refusal, undone, type Wish } from "./payment.ts";
import { lockPayment, type PaymentRow, stateOf } from "./payment-store.ts";

/** What a movement needs of the transaction that it is written in, a command's or a workflow's. */
export type Writing = Omit<CommandContext<"payments", unknown, unknown>, "faults" | "uses">;

/** A movement that has begun: the payment as it is now, and what of `amountMinor` is the fee. */
export interface Begun {
  readonly payment: PaymentRow;
  readonly amountMinor: number;
  readonly feeMinor: number;
}

/** Begins a movement under `id`. Raises why it cannot; nothing was changed then. */
export async function beginMovement(
  tx: Writing,
  { paymentId, id, ...wish }: Wish & { readonly paymentId: string; readonly id: string },
): Promise<Begun> {
  const { tenant } = tx.identity;
  const row = await lockPayment(tx.sql, tenant, paymentId);
  if (row === undefined) throw payments.faults.paymentNotFound({ id: paymentId });
  const next = begin(stateOf(row), wish, tx.now());
  if ("refused" in next) throw refusalFault(row, next);
  const amountMinor = next.pending?.amountMinor ?? 0;
  const feeMinor = wish.kind === "capture" ? feeOfPart(row.fee_plan, row.captured_minor, amountMinor) : 0;
  const [payment] = await tx.sql<PaymentRow>`
    WITH begun AS (
      INSERT INTO payments.movement (id, tenant, payment_id, kind, amount_minor, fee_minor, begun_at)
      VALUES (${id}, ${tenant}, ${paymentId}, ${wish.kind}, ${amountMinor}, ${feeMinor}, ${new Date(tx.now())})
    )
    UPDATE payments.payment SET pending_kind = ${wish.kind}, pending_id = ${id}, pending_minor = ${amountMinor}
    WHERE id = ${paymentId} AND tenant = ${tenant} RETURNING *`;
  if (payment === undefined) throw new Error(`the payment ${paymentId} went away under its lock`);
  tx.invalidate(paymentId);
  return { payment, amountMinor, feeMinor };
}

/** How a movement ended. */
interface Ending {
  readonly paymentId: string;
  readonly id: string;
  readonly isDone: boolean;
  /** What a payment becomes that is released, or was not authorised; see `done` and `undone`. */
  readonly becomes?: "failed" | "canceled" | "expired";
  readonly reason?: string;
  readonly transactionId?: string;
  /** What the next capture takes from. */
  readonly authorizationRef?: string;
}

/** Ends the movement; undefined where it had ended before. */
export async function endMovement(tx: Writing, ending: Ending): Promise<PaymentRow | undefined> {
  const { paymentId, id, isDone, reason = null, transactionId = null, authorizationRef = null } = ending;
  const { tenant } = tx.identity;
  const row = await lockPayment(tx.sql, tenant, paymentId);
  if (row === undefined || row.pending_id !== id) return undefined;
  const next = nextOf(stateOf(row), ending);
  const [payment] = await tx.sql<PaymentRow>`
    WITH ended AS (
      UPDATE payments.movement SET status = ${isDone ? "done" : "failed"}, reason = ${reason}, transaction_id = ${transactionId},
        ended_at = ${new Date(tx.now())}
      WHERE id = ${id} AND tenant = ${tenant}
    )
    UPDATE payments.payment
    SET status = ${next.status}, authorized_minor = ${next.authorizedMinor}, captured_minor = ${next.capturedMinor},
      refunded_minor = ${next.refundedMinor}, pending_kind = NULL, pending_id = NULL, pending_minor = 0,
      reason = ${reason},
      authorization_ref = coalesce(${authorizationRef}, authorization_ref)
    WHERE id = ${paymentId} AND tenant = ${tenant} RETURNING *`;
  tx.invalidate(paymentId);
  return payment;
}

function nextOf(state: PaymentState, { isDone, becomes }: Ending): PaymentState {
  if (!isDone) return undone(state, becomes);
  return done(state, becomes === "expired" ? "expired" : "canceled");
}

/** The fault that says why a movement cannot begin. */
export function refusalFault({ id, status }: PaymentRow, refusal: Refusal): Error {
  if (refusal.refused === "inProgress") return payments.faults.inProgress({ id, kind: refusal.kind });
  if (refusal.refused === "wrongStatus") return payments.faults.wrongStatus({ id, status });
  return payments.faults.amountExceeded({ id, leftMinor: refusal.leftMinor });
}

/** A movement of a payment, by name. */
export interface MovementName {
  readonly paymentId: string;
  readonly id: string;
  readonly kind: MovementKind;
}
