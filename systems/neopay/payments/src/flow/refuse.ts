import { isFault } from "@banyan/kernel";
import { payments } from "../contract.ts";
import { endMovement, type MovementName, type Writing } from "../intent/movement.ts";
import { type PaymentRow, tellingOf } from "../intent/payment-store.ts";
import { giveBack } from "../limit/spending.ts";
import type { Flow } from "./uses.ts";

/** What came of asking who holds the money: where it lies now, or why not, in one word. */
export type Answered<T> = { readonly taken: T } | { readonly refusedFor: string };

/** The answer of a step whose refusal is no failure of ours: a fault that would be the same again. */
export async function answered<T>(step: Promise<T>): Promise<Answered<T>> {
  try {
    return { taken: await step };
  } catch (error) {
    if (isFault(error) && error.retry === "no") return { refusedFor: error.code.replace(/^.*\./, "") };
    throw error;
  }
}

/** Ends the movement as failed and raises `payments.refused`; of an authorization the payment ends too. */
export async function refuse(flow: Flow, { paymentId, id, kind }: MovementName, reason: string): Promise<never> {
  await flow.transaction("refused", async (tx) => {
    const payment = await endMovement(tx, { paymentId, id, isDone: false, reason });
    if (payment !== undefined && kind === "authorization") await endUnauthorized(tx, payment, reason);
  });
  throw payments.faults.refused({ id: paymentId, reason, resultCode: 1 });
}

/** What follows where a payment ended without having been authorised: its limits get its amount back, and others hear of it. */
export async function endUnauthorized(tx: Writing, payment: PaymentRow, reason: string): Promise<void> {
  await giveBack(tx, payment);
  const { status } = payment;
  if (status === "canceled" || status === "expired") tx.emit(payments[status], tellingOf(payment));
  else tx.emit(payments.failed, { ...tellingOf(payment), reason });
}
