import type { Handler } from "@banyan/kernel";
import type { webhooks } from "../contract.ts";
import { selectDeliveries, selectDelivery } from "./delivery-store.ts";

/** One more than asked for tells whether another page follows. */
export const listDeliveries: Handler<typeof webhooks.deliveries> = async (ctx, { endpoint, status, after, limit }) => {
  const wanted = { tenant: ctx.identity.tenant, endpoint: endpoint ?? null, status: status ?? null, after };
  const found = await selectDeliveries(ctx.sql, { ...wanted, limit: limit + 1 });
  const page = found.slice(0, limit);
  return {
    deliveries: page.map(({ number: _, ...delivery }) => delivery),
    next: found.length > limit ? (page.at(-1)?.number ?? null) : null,
  };
};

export const readDelivery: Handler<typeof webhooks.delivery> = async (ctx, { id }) => {
  const found = await selectDelivery(ctx.sql, ctx.identity.tenant, id);
  if (found === null) throw ctx.faults.deliveryNotFound({ id });
  const { delivery, body, attempts } = found;
  return { ...delivery, body, attempts };
};
