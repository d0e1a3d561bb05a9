import { batched, isFault } from "@banyan/kernel";
import { feeOfPart, shareFee } from "@banyan/neopay-money";
import { payments } from "../contract.ts";
import { type Begun, beginMovement, beginMovements, endMovements, type Writing } from "../intent/movement.ts";
import { type PaymentRow, paymentOf, tellingOf } from "../intent/payment-store.ts";
import type { CaptureOrder } from "../schemas.ts";
import { railOf } from "./uses.ts";

/** Captures in flight begin in one transaction, and end in one. */
export const beginCaptures = batched<typeof payments.beginCapture>(
  async (ctx, items) => {
    const tenant = items[0]?.identity.tenant ?? "";
    const beginnings = items.map(({ identity, input: { id, captureId, amountMinor } }) => {
      return { identity, paymentId: id, id: captureId, kind: "capture" as const, amountMinor };
    });
    const begun = await beginMovements(ctx, tenant, beginnings);
    return begun.map((one) => (isFault(one) ? one : orderOf(one)));
  },
  { perTenant: true },
);

export const endCaptures = batched<typeof payments.endCapture>(
  async (ctx, items) => {
    const tenant = items[0]?.identity.tenant ?? "";
    const endings = items.map(({ input: { captureId, paymentId, transactionId, authorizationRef } }) => {
      return {
        paymentId,
        id: captureId,
        isDone: true,
        transactionId,
        ...(authorizationRef !== undefined && { authorizationRef }),
      };
    });
    const ended = await endMovements(ctx, tenant, endings);
    return items.map(({ input, emit }, place) => {
      const row = ended[place];
      const { captureId, amountMinor, feeMinor, transactionId } = input;
      if (row === undefined) throw new Error(`the capture ${captureId} ended while its money was taken`);
      const of = { captureId, amountMinor, feeMinor, netMinor: amountMinor - feeMinor, transactionId };
      emit(payments.captured, { ...tellingOf(row), ...of, capturedMinor: row.captured_minor });
      return paymentOf(row);
    });
  },
  { perTenant: true },
);

/** Begins a capture of `amountMinor`, or of all that is left, as a part of another transaction. */
export async function beginCapture(
  tx: Writing,
  { paymentId, captureId: id }: { readonly paymentId: string; readonly captureId: string },
): Promise<CaptureOrder> {
  return orderOf(await beginMovement(tx, { paymentId, id, kind: "capture" }));
}

/** The order of a capture that has begun before. */
export function orderUnderWay(payment: PaymentRow): CaptureOrder {
  const { pending_minor: amountMinor, captured_minor: takenMinor, fee_plan: plan } = payment;
  return orderOf({ payment, amountMinor, feeMinor: feeOfPart(plan, takenMinor, amountMinor) });
}

function orderOf({ payment, amountMinor, feeMinor }: Begun): CaptureOrder {
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
