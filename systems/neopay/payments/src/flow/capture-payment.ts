import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payments } from "../contract.ts";
import { selectPayment } from "../intent/payment-store.ts";
import type { CaptureOrder, Payment } from "../schemas.ts";
import { orderUnderWay } from "./capture-steps.ts";
import { postFromAcquirer } from "./post-from-acquirer.ts";
import { type Answered, answered, refuse } from "./refuse.ts";
import { acquirerPatience, type Flow, type Uses } from "./uses.ts";

/** Where the money is now: the ledger's transaction, and what the next capture takes from, where that is another. */
interface Taken {
  readonly transactionId: string;
  readonly authorizationRef?: string;
}

/** Begin, take the money, post it with its fees, say so. */
export const capturePayment: Handler<typeof payments.capture, Uses> = async (flow, { id, amountMinor }) => {
  const captureId = flow.newId("capture");
  const order = await flow.call(
    "begin",
    payments.beginCapture,
    { id, captureId, amountMinor },
    {
      undo: (step) => step.call(payments.abandon, { id, movementId: captureId }),
    },
  );
  return await take(flow, order);
};

/** Takes the money of a capture that began with its provider's notice. */
export const settlePayment: Handler<typeof payments.settle, Uses> = async (flow, { id }) => {
  const order = await flow.transaction("look", async (tx) => {
    const payment = await selectPayment(tx.sql, tx.identity, id);
    if (payment?.pending_kind !== "capture") throw new Error(`the payment ${id} has no capture under way`);
    return orderUnderWay(payment);
  });
  return await take(flow, order);
};

/** Takes the money of a capture that has begun, and ends it. */
export async function take(flow: Flow, order: CaptureOrder): Promise<Payment> {
  const { paymentId, captureId, amountMinor, feeMinor } = order;
  const answer = await (order.rail === "wallet" ? takeFromHold(flow, order) : takeFromAcquirer(flow, order));
  if ("refusedFor" in answer) {
    return await refuse(flow, { paymentId, id: captureId, kind: "capture" }, answer.refusedFor);
  }
  return await flow.call("captured", payments.endCapture, {
    paymentId,
    captureId,
    amountMinor,
    feeMinor,
    ...answer.taken,
  });
}

/** One transaction of the ledger: the parts are posted, and the rest is held on. */
async function takeFromHold(
  flow: Flow,
  { captureId, authorizationRef, parts }: CaptureOrder,
): Promise<Answered<Taken>> {
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
async function takeFromAcquirer(flow: Flow, order: CaptureOrder): Promise<Answered<Taken>> {
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
