import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payments } from "../contract.ts";
import { acquirerAccount } from "../flow/post-from-acquirer.ts";
import { type Flow, railOf, type Uses } from "../flow/uses.ts";
import type { Writing } from "../intent/movement.ts";
import { lockPayment, type PaymentRow, tellingOf } from "../intent/payment-store.ts";
import { type DisputeRow, disputeOf, lockDispute } from "./dispute-store.ts";

type Outcome = "won" | "lost";

/** Decide, charge the merchant back where it lost, say so. The decision comes first: of two only one is made. */
export const closeDispute: Handler<typeof payments.closeDispute, Uses> = async (flow, { id, outcome }) => {
  const decided = await flow.transaction("decide", (tx) => decide(tx, id, outcome));
  const transactionId = outcome === "lost" ? await chargeBack(flow, id, decided) : null;
  return await flow.transaction("closed", async (tx) => {
    const { tenant } = tx.identity;
    const [dispute] = await tx.sql<DisputeRow>`
      UPDATE payments.dispute SET transaction_id = ${transactionId} WHERE id = ${id} AND tenant = ${tenant} RETURNING *`;
    const payment = await lockPayment(tx.sql, tenant, decided.paymentId);
    if (dispute === undefined || payment === undefined) throw new Error(`the dispute ${id} went away`);
    const { amount_minor: amountMinor } = dispute;
    tx.emit(payments.disputeClosed, { ...tellingOf(payment), disputeId: id, amountMinor, outcome });
    return disputeOf(dispute);
  });
};

interface Decided {
  readonly paymentId: string;
  readonly merchant: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly destination: string;
}

async function decide(tx: Writing, id: string, outcome: Outcome): Promise<Decided> {
  const { tenant } = tx.identity;
  const found = await lockDispute(tx.sql, tx.identity, id);
  if (found === undefined) throw payments.faults.disputeNotFound({ id });
  if (found.status !== "open") throw payments.faults.disputeClosed({ id, status: found.status });
  await tx.sql`
    UPDATE payments.dispute SET status = ${outcome}, closed_at = ${new Date(tx.now())} WHERE id = ${id} AND tenant = ${tenant}`;
  // What was won back can be refunded again; what was lost is gone.
  const [payment] = await tx.sql<PaymentRow>`
    UPDATE payments.payment SET disputed_minor = disputed_minor - ${outcome === "won" ? found.amount_minor : 0}
    WHERE id = ${found.payment_id} AND tenant = ${tenant} RETURNING *`;
  if (payment === undefined) throw new Error(`the payment ${found.payment_id} went away`);
  const { merchant, currency, method, instrument } = payment;
  const destination = railOf[method] === "wallet" && instrument !== null ? instrument : acquirerAccount(currency);
  return { paymentId: payment.id, merchant, amountMinor: found.amount_minor, currency, destination };
}

/** From the merchant's settlement; where that has too little, as the merchant's debt. Answers the transaction's id. */
async function chargeBack(
  flow: Flow,
  id: string,
  { merchant, amountMinor, currency, destination }: Decided,
): Promise<string> {
  const reference = `chargeback:${id}`;
  const from = (source: string) => ({ reference, postings: [{ source, destination, amountMinor, currency }] });
  try {
    return (await flow.call("charge", ledger.post, from(`merchants:${merchant}:settlement`))).id;
  } catch (error) {
    if (!ledger.faults.insufficientFunds.is(error)) throw error;
  }
  const debt = `merchants:${merchant}:debt`;
  await flow
    .call("open-debt", ledger.openAccount, { address: debt, currency, floorMinor: null })
    .catch((error: unknown) => {
      if (!ledger.faults.accountExists.is(error)) throw error;
    });
  return (await flow.call("charge-debt", ledger.post, from(debt))).id;
}
