import { type Handler, pageOf } from "@banyan/kernel";
import type { webhooks } from "../contract.ts";
import { selectDeliveries, selectDelivery } from "./delivery-store.ts";

export const listDeliveries: Handler<typeof webhooks.deliveries> = async (ctx, { endpoint, status, after, limit }) => {
  const wanted = { tenant: ctx.identity.tenant, endpoint: endpoint ?? null, status: status ?? null, after };
  const found = await selectDeliveries(ctx.sql, { ...wanted, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, ({ number }) => number);
  return { deliveries: page.map(({ number: _, ...delivery }) => delivery), next };
};

export const readDelivery: Handler<typeof webhooks.delivery> = async (ctx, { id }) => {
  const found = await selectDelivery(ctx.sql, ctx.identity.tenant, id);
  if (found === null) throw ctx.faults.deliveryNotFound({ id });
  const { delivery, body, attempts } = found;
  return { ...delivery, body, attempts };
};
