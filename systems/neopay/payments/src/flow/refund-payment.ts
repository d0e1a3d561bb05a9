import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payments } from "../contract.ts";
import { beginMovement, endMovement, type Writing } from "../intent/movement.ts";
import { paymentOf, tellingOf } from "../intent/payment-store.ts";
import { acquirerAccount } from "./post-from-acquirer.ts";
import { type Answered, answered, refuse } from "./refuse.ts";
import { type Flow, railOf, type Uses } from "./uses.ts";

/** What is to be given back, from the merchant's settlement to where it came from. */
interface Order {
  readonly refundId: string;
  readonly rail: (typeof railOf)[keyof typeof railOf];
  readonly authorization: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
}

/** Begin, give the money back, say so. Fees stay with who has them. */
export const refundPayment: Handler<typeof payments.refund, Uses> = async (flow, { id, amountMinor }) => {
  const refundId = flow.newId("refund");
  const order = await flow.transaction("begin", (tx) => beginRefund(tx, { id, refundId, amountMinor }), {
    undo: (step) => step.call(payments.abandon, { id, movementId: refundId }),
  });
  const answer = await (order.rail === "card" ? giveBackByCard(flow, order) : giveBackAtOnce(flow, order));
  if ("refusedFor" in answer) {
    return await refuse(flow, { paymentId: id, id: refundId, kind: "refund" }, answer.refusedFor);
  }
  const transactionId = answer.taken;
  return await flow.transaction("refunded", async (tx) => {
    const row = await endMovement(tx, { paymentId: id, id: refundId, isDone: true, transactionId });
    if (row === undefined) throw new Error(`the refund ${refundId} ended while its money was given back`);
    const telling = { ...tellingOf(row), refundId, amountMinor: order.amountMinor, transactionId };
    tx.emit(payments.refundSettled, { ...telling, refundedMinor: row.refunded_minor });
    return paymentOf(row);
  });
};

async function beginRefund(
  tx: Writing,
  wanted: { readonly id: string; readonly refundId: string; readonly amountMinor: number | undefined },
): Promise<Order> {
  const { id: paymentId, refundId } = wanted;
  const { payment, amountMinor } = await beginMovement(tx, {
    paymentId,
    id: refundId,
    kind: "refund",
    amountMinor: wanted.amountMinor,
  });
  const { merchant, currency, instrument } = payment;
  const rail = railOf[payment.method];
  return {
    refundId,
    rail,
    authorization: payment.authorization_ref ?? "",
    amountMinor,
    currency,
    source: `merchants:${merchant}:settlement`,
    destination: rail === "wallet" && instrument !== null ? instrument : acquirerAccount(currency),
  };
}

async function giveBackAtOnce(flow: Flow, order: Order): Promise<Answered<string>> {
  const { refundId, source, destination, amountMinor, currency } = order;
  const posting = { source, destination, amountMinor, currency };
  const posted = await answered(
    flow.call("post", ledger.post, { reference: `refund:${refundId}`, postings: [posting] }),
  );
  return "taken" in posted ? { taken: posted.taken.id } : posted;
}

/** The merchant's money is held first: what the acquirer gives back must not be spent meanwhile. */
async function giveBackByCard(flow: Flow, order: Order): Promise<Answered<string>> {
  const { refundId, authorization, source, destination, amountMinor, currency } = order;
  const asked = { reference: `refund:${refundId}`, source, destination, amountMinor, currency };
  const held = await answered(
    flow.call("hold", ledger.placeHold, asked, {
      undo: async (step, hold) => {
        if (hold !== undefined) await answered(step.call(ledger.voidHold, { id: hold.id }));
      },
    }),
  );
  if ("refusedFor" in held) return held;
  // Tried for ever: nobody can take a refund back whose answer is unknown.
  const outcome = await flow.run(
    "refund",
    ({ idempotencyKey, signal }) =>
      flow.uses.acquirer.operate(idempotencyKey, { kind: "refund", authorization, amountMinor }, signal),
    { retry: { attemptsMax: Number.MAX_SAFE_INTEGER } },
  );
  if (outcome.reason !== null) return { refusedFor: outcome.reason };
  const { transactionId } = await flow.call("post", ledger.commitHold, { id: held.taken.id });
  if (transactionId === null) throw new Error(`the hold ${held.taken.id} was committed without a transaction`);
  return { taken: transactionId };
}
