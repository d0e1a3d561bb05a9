import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payments } from "../contract.ts";
import { isKnownTo } from "../intent/known-to.ts";
import { beginMovement, endMovement, type Writing } from "../intent/movement.ts";
import { lockPayment, type PaymentRow, paymentOf, tellingOf } from "../intent/payment-store.ts";
import type { Payment } from "../schemas.ts";
import { answered, endUnauthorized } from "./refuse.ts";
import { type Flow, railOf, type Uses } from "./uses.ts";

/** A month of tries, five minutes apart: a movement that waits for a person blocks an expiry, which must not be forgotten over it. */
const busyTriesMax = 8_640;

type Ended = "canceled" | "expired";

/** What is to be given back; or the payment, where nothing is. */
type Order =
  | { readonly rail: "wallet" | "card" | "push"; readonly authorizationRef: string | null }
  | { readonly payment: Payment };

/** The merchant or the payer wants no more. */
export const cancelPayment: Handler<typeof payments.cancel, Uses> = async (flow, { id }) => {
  const releaseId = flow.newId("release");
  const wanted = { id, releaseId, becomes: "canceled" } as const;
  const order = await flow.transaction("begin", (tx) => beginRelease(tx, wanted), {
    undo: (step) => step.call(payments.abandon, { id, movementId: releaseId }),
  });
  return await release(flow, { ...wanted, order });
};

/** Runs at the payment's expiry. What is over by then stays; a movement that is under way is waited for. */
export const expirePayment: Handler<typeof payments.expire, Uses> = async (flow, { id }) => {
  const releaseId = flow.newId("release");
  const wanted = { id, releaseId, becomes: "expired" } as const;
  const order = await flow
    .transaction("begin", (tx) => beginRelease(tx, wanted), {
      undo: (step) => step.call(payments.abandon, { id, movementId: releaseId }),
      retry: { attemptsMax: busyTriesMax },
    })
    .catch((error: unknown) => {
      if (payments.faults.wrongStatus.is(error)) return null;
      throw error;
    });
  if (order !== null) await release(flow, { ...wanted, order });
  return {};
};

async function beginRelease(tx: Writing, { id, releaseId, becomes }: Wanted): Promise<Order> {
  const found = await lockPayment(tx.sql, tx.identity.tenant, id);
  if (found !== undefined && isKnownTo(tx.identity, found.merchant) && railOf[found.method] === "push") {
    if (found.pending_kind === "authorization") return { payment: await withdraw(tx, found, becomes) };
    // What the payer has paid is captured, and can be refunded then.
    if (found.authorization_ref !== null) throw payments.faults.wrongStatus({ id, status: found.status });
  }
  const { payment } = await beginMovement(tx, { paymentId: id, id: releaseId, kind: "release" });
  return { rail: railOf[payment.method], authorizationRef: payment.authorization_ref };
}

/** Nobody waits for the provider's notice any more. */
async function withdraw(tx: Writing, { id, pending_id }: PaymentRow, becomes: Ended): Promise<Payment> {
  const ending = { paymentId: id, id: pending_id ?? "", isDone: false, becomes, reason: becomes };
  const row = await endMovement(tx, ending);
  if (row === undefined) throw new Error(`the authorization of ${id} ended under its payment's lock`);
  await endUnauthorized(tx, row, becomes);
  return paymentOf(row);
}

interface Wanted {
  readonly id: string;
  readonly releaseId: string;
  readonly becomes: Ended;
}

async function release(flow: Flow, wanted: Wanted & { readonly order: Order }): Promise<Payment> {
  const { id, releaseId, becomes, order } = wanted;
  if ("payment" in order) return order.payment;
  const { rail, authorizationRef } = order;
  if (authorizationRef !== null) {
    // A hold that has expired by itself is released as well.
    if (rail === "wallet") await answered(flow.call("void", ledger.voidHold, { id: authorizationRef }));
    if (rail === "card") {
      await flow.run("void", ({ idempotencyKey, signal }) =>
        flow.uses.acquirer.operate(idempotencyKey, { kind: "void", authorization: authorizationRef }, signal),
      );
    }
  }
  return await flow.transaction("released", async (tx) => {
    const row = await endMovement(tx, { paymentId: id, id: releaseId, isDone: true, becomes });
    if (row === undefined) throw new Error(`the release ${releaseId} ended while its money was given back`);
    if (row.status === becomes) tx.emit(payments[becomes], tellingOf(row));
    return paymentOf(row);
  });
}
