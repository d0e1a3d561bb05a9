import type { Handler } from "@banyan/kernel";
import type { payments } from "../contract.ts";
import { endMovement, type Writing } from "../intent/movement.ts";
import type { PaymentRow } from "../intent/payment-store.ts";
import { endUnauthorized } from "./refuse.ts";

/** What a workflow that fails leaves behind: no movement under way, and nothing authorised that nobody holds. */
export const abandonMovement: Handler<typeof payments.abandon> = async (ctx, { id, movementId, isWhole }) => {
  const ended = await endMovement(ctx, { paymentId: id, id: movementId, isDone: false, reason: "abandoned" });
  const failed = ended?.status === "failed" ? ended : isWhole ? await failPayment(ctx, id) : undefined;
  if (failed !== undefined) await endUnauthorized(ctx, failed, failed.reason ?? "abandoned");
  return {};
};

async function failPayment(tx: Writing, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx.sql<PaymentRow>`
    UPDATE payments.payment SET status = 'failed', reason = coalesce(reason, 'abandoned')
    WHERE id = ${id} AND tenant = ${tx.identity.tenant} AND status = 'requires_capture' AND pending_id IS NULL RETURNING *`;
  return row;
}
