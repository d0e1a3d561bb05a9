import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { feeOfPart, shareFee } from "@banyan/neopay-money";
import { payments } from "../contract.ts";
import { type Begun, beginMovement, endMovement, type Writing } from "../intent/movement.ts";
import { paymentOf, selectPayment, tellingOf } from "../intent/payment-store.ts";
import type { Payment } from "../schemas.ts";
import { postFromAcquirer } from "./post-from-acquirer.ts";
import { type Answered, answered, refuse } from "./refuse.ts";
import { acquirerPatience, type Flow, railOf, type Uses } from "./uses.ts";

/** What is to be taken, and where it goes. */
interface Order {
  readonly paymentId: string;
  readonly captureId: string;
  readonly rail: (typeof railOf)[keyof typeof railOf];
  readonly authorizationRef: string;
  readonly amountMinor: number;
  readonly feeMinor: number;
  readonly currency: string;
  /** The merchant's part, then the fees'; together the amount. */
  readonly parts: readonly { readonly destination: string; readonly amountMinor: number }[];
}

/** Where the money is now: the ledger's transaction, and what the next capture takes from, where that is another. */
interface Taken {
  readonly transactionId: string;
  readonly authorizationRef?: string;
}

/** Begin, take the money, post it with its fees, say so. */
export const capturePayment: Handler<typeof payments.capture, Uses> = async (flow, { id, amountMinor }) => {
  const captureId = flow.newId("capture");
  const order = await flow.transaction("begin", (tx) => beginCapture(tx, { paymentId: id, captureId, amountMinor }), {
    undo: (step) => step.call(payments.abandon, { id, movementId: captureId }),
  });
  return await take(flow, order);
};

/** Takes the money of a capture that began with its provider's notice. */
export const settlePayment: Handler<typeof payments.settle, Uses> = async (flow, { id }) => {
  const order = await flow.transaction("look", async (tx) => {
    const payment = await selectPayment(tx.sql, tx.identity.tenant, id);
    if (payment?.pending_kind !== "capture") throw new Error(`the payment ${id} has no capture under way`);
    const { pending_minor: amountMinor, captured_minor: takenMinor, fee_plan: plan } = payment;
    return orderOf({ payment, amountMinor, feeMinor: feeOfPart(plan, takenMinor, amountMinor) });
  });
  return await take(flow, order);
};

/** Begins a capture of `amountMinor`, or of all that is left. */
export async function beginCapture(
  tx: Writing,
  wanted: { readonly paymentId: string; readonly captureId: string; readonly amountMinor?: number | undefined },
): Promise<Order> {
  const { paymentId, captureId: id, amountMinor } = wanted;
  return orderOf(await beginMovement(tx, { paymentId, id, kind: "capture", amountMinor }));
}

function orderOf({ payment, amountMinor, feeMinor }: Begun): Order {
  const net = { destination: `merchants:${payment.merchant}:settlement`, amountMinor: amountMinor - feeMinor };
  const fees = shareFee(payment.fee_plan, feeMinor).map(({ account, amountMinor }) => ({
    destination: account,
    amountMinor,
  }));
  return {
    paymentId: payment.id,
    captureId: payment.pending_id ?? "",
    rail: railOf[payment.method],
    authorizationRef: payment.authorization_ref ?? "",
    amountMinor,
    feeMinor,
    currency: payment.currency,
    parts: net.amountMinor === 0 ? fees : [net, ...fees],
  };
}

/** Takes the money of a capture that has begun, and ends it. */
export async function take(flow: Flow, order: Order): Promise<Payment> {
  const { paymentId, captureId, amountMinor, feeMinor } = order;
  const answer = await (order.rail === "wallet" ? takeFromHold(flow, order) : takeFromAcquirer(flow, order));
  if ("refusedFor" in answer) {
    return await refuse(flow, { paymentId, id: captureId, kind: "capture" }, answer.refusedFor);
  }
  const { taken } = answer;
  return await flow.transaction("captured", async (tx) => {
    const row = await endMovement(tx, { paymentId, id: captureId, isDone: true, ...taken });
    if (row === undefined) throw new Error(`the capture ${captureId} ended while its money was taken`);
    const { transactionId } = taken;
    const netMinor = amountMinor - feeMinor;
    const telling = { ...tellingOf(row), captureId, amountMinor, feeMinor, netMinor, transactionId };
    tx.emit(payments.captured, { ...telling, capturedMinor: row.captured_minor });
    return paymentOf(row);
  });
}

/** One transaction of the ledger: the parts are posted, and the rest is held on. */
async function takeFromHold(flow: Flow, { captureId, authorizationRef, parts }: Order): Promise<Answered<Taken>> {
  const committed = await answered(
    flow.call("take", ledger.commitHold, {
      id: authorizationRef,
      parts: [...parts],
      rest: { reference: `payment:${captureId}:rest` },
    }),
  );
  if ("refusedFor" in committed) return committed;
  const { transactionId, restId } = committed.taken;
  if (transactionId === null) throw new Error(`the hold ${authorizationRef} was committed without a transaction`);
  return { taken: { transactionId, ...(restId !== null && { authorizationRef: restId }) } };
}

/** A card's acquirer is asked first; who pays at an ATM or by QR code has paid already. Then the books hear of it. */
async function takeFromAcquirer(flow: Flow, order: Order): Promise<Answered<Taken>> {
  const { captureId, rail, authorizationRef: authorization, amountMinor, parts, currency } = order;
  if (rail === "card") {
    const { acquirer } = flow.uses;
    const outcome = await flow.run(
      "capture",
      ({ idempotencyKey, signal }) =>
        acquirer.operate(idempotencyKey, { kind: "capture", authorization, amountMinor }, signal),
      {
        undo: async ({ undoes, signal }, outcome) => {
          if (outcome?.status === "declined") return;
          // Where no answer came, asking once more tells whether there is something to give back.
          const found =
            outcome ?? (await acquirer.operate(undoes, { kind: "capture", authorization, amountMinor }, signal));
          const back = { kind: "refund", authorization, amountMinor } as const;
          if (found.status === "approved") await acquirer.operate(`${undoes}:undo`, back, signal);
        },
        retry: acquirerPatience,
      },
    );
    if (outcome.reason !== null) return { refusedFor: outcome.reason };
  }
  return {
    taken: { transactionId: await postFromAcquirer(flow, { reference: `capture:${captureId}`, currency, parts }) },
  };
}
