import type { Handler } from "@banyan/kernel";
import { webhooks } from "../contract.ts";
import { beginTurn, selectDelivery } from "./delivery-store.ts";

/** From the first step of the schedule again, whatever it had come to; attempts of the turn before do nothing more. */
export const redeliver: Handler<typeof webhooks.redeliver> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  const begun = await beginTurn(ctx.sql, { tenant, id }, new Date(ctx.now()));
  if (begun === null) {
    const found = await selectDelivery(ctx.sql, tenant, id);
    if (found === null) throw ctx.faults.deliveryNotFound({ id });
    throw ctx.faults.endpointDisabled({ id: found.delivery.endpoint });
  }
  ctx.enqueue(webhooks.deliver, { id, turn: begun.turn, step: 0 });
  return begun.delivery;
};
