import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchants } from "@banyan/neopay-merchants/contract";
import { payments } from "../contract.ts";
import { beginMovement, endMovement, type Writing } from "../intent/movement.ts";
import { paymentOf, tellingOf } from "../intent/payment-store.ts";
import { spend } from "../limit/spending.ts";
import type { Payment } from "../schemas.ts";
import { take } from "./capture-payment.ts";
import { beginCapture } from "./capture-steps.ts";
import { type Answered, answered, refuse } from "./refuse.ts";
import { acquirerPatience, type Flow, railOf, type Uses } from "./uses.ts";

/** What is to be held, and where. */
interface Order {
  readonly paymentId: string;
  readonly authorizationId: string;
  readonly merchant: string;
  readonly method: keyof typeof railOf;
  readonly instrument: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly expiresAt: number;
  readonly isCapturedAtOnce: boolean;
}

/**
 * Begin, hold the money, say so; and where the payment is captured at once, go on to that. Of an ATM or QR payment only the first: its
 * provider's notice does the rest (see take-notice).
 */
export const authorizePayment: Handler<typeof payments.authorize, Uses> = async (flow, { id, instrument }) => {
  const authorizationId = flow.newId("authorization");
  const movement = { paymentId: id, id: authorizationId, kind: "authorization" } as const;
  const { order, begun } = await flow.transaction(
    "begin",
    (tx) => beginAuthorization(tx, { id, authorizationId, instrument }),
    { undo: (step) => step.call(payments.abandon, { id, movementId: authorizationId }) },
  );
  const rail = railOf[order.method];
  if (rail === "push") return begun;
  const held = await (rail === "wallet" ? holdWallet(flow, order) : askAcquirer(flow, order));
  if ("refusedFor" in held) return await refuse(flow, movement, held.refusedFor);
  const captureId = flow.newId("capture");
  const { payment, capture } = await flow.transaction(
    "authorized",
    async (tx) => {
      const row = await endMovement(tx, { ...movement, isDone: true, authorizationRef: held.taken });
      if (row === undefined) throw payments.faults.wrongStatus({ id, status: "abandoned" });
      tx.emit(payments.authorized, { ...tellingOf(row), authorizedMinor: row.authorized_minor });
      return {
        payment: paymentOf(row),
        capture: order.isCapturedAtOnce ? await beginCapture(tx, { paymentId: id, captureId }) : null,
      };
    },
    { undo: (step) => step.call(payments.abandon, { id, movementId: captureId, isWhole: true }) },
  );
  return capture === null ? payment : await take(flow, capture);
};

async function beginAuthorization(
  tx: Writing,
  { id, authorizationId, instrument = "" }: { id: string; authorizationId: string; instrument: string | undefined },
): Promise<{ order: Order; begun: Payment }> {
  const { payment } = await beginMovement(tx, { paymentId: id, id: authorizationId, kind: "authorization" });
  const { method, merchant } = payment;
  const form = { wallet: /^users:/, card: /^tok_/, push: /^$/ }[railOf[method]];
  if (!form.test(instrument)) throw payments.faults.wrongInstrument({ method });
  const { status } = await tx.call(merchants.find, { code: merchant });
  if (status !== "approved") throw payments.faults.merchantNotApproved({ merchant, resultCode: 30 });
  await spend(tx, payment, instrument);
  await tx.sql`UPDATE payments.payment SET instrument = ${instrument} WHERE id = ${id} AND tenant = ${tx.identity.tenant}`;
  const order = {
    paymentId: id,
    authorizationId,
    merchant,
    method,
    instrument,
    amountMinor: payment.amount_minor,
    currency: payment.currency,
    expiresAt: payment.expires_at.getTime(),
    isCapturedAtOnce: payment.capture_mode === "auto",
  };
  return { order, begun: paymentOf(payment) };
}

async function holdWallet(flow: Flow, order: Order): Promise<Answered<string>> {
  const { paymentId, authorizationId, merchant, instrument, amountMinor, currency, expiresAt } = order;
  const wanted = {
    reference: `payment:${authorizationId}`,
    source: instrument,
    destination: `merchants:${merchant}:settlement`,
    amountMinor,
    currency,
    expiresAt: new Date(expiresAt).toISOString(),
    metadata: { payment: paymentId },
  };
  const placed = await answered(
    flow.call("hold", ledger.placeHold, wanted, {
      undo: async (step, hold) => {
        // Without an answer nobody knows whether it was placed: asking once more does, whichever it was.
        const found = hold ?? (await answered(step.call(ledger.placeHold, wanted).catch(existingHold)).then(takenOf));
        if (found !== undefined) await answered(step.call(ledger.voidHold, { id: found.id }));
      },
    }),
  );
  return "taken" in placed ? { taken: placed.taken.id } : placed;
}

function existingHold(error: unknown): { readonly id: string } {
  if (!ledger.faults.duplicateReference.is(error)) throw error;
  return { id: error.details.existingId };
}

function takenOf<T>(answer: Answered<T>): T | undefined {
  return "taken" in answer ? answer.taken : undefined;
}

/** The step's own key names the authorization at the acquirer, so that one without an answer can be voided. */
async function askAcquirer(
  flow: Flow,
  { merchant, instrument: token, amountMinor, currency }: Order,
): Promise<Answered<string>> {
  const { acquirer } = flow.uses;
  const outcome = await flow.run(
    "authorize",
    ({ idempotencyKey, signal }) =>
      acquirer.operate(idempotencyKey, { kind: "authorize", token, amountMinor, currency, merchant }, signal),
    {
      undo: async ({ undoes, signal }, outcome) => {
        if (outcome?.status !== "declined")
          await acquirer.operate(`${undoes}:void`, { kind: "void", authorization: undoes }, signal);
      },
      retry: acquirerPatience,
    },
  );
  return outcome.reason === null ? { taken: outcome.key } : { refusedFor: outcome.reason };
}
