import type { EventHandler, Handler } from "@banyan/kernel";
import { webhooks } from "../contract.ts";
import { insertDeliveries, selectListeners } from "./delivery-store.ts";

type Context = Pick<Parameters<EventHandler<never, typeof webhooks, unknown>>[0], "sql" | "newId" | "enqueue">;

/**
 * Tells an event under the name that the outside knows it by, in the transaction of its subscription: one message per event, one
 * delivery per endpoint that wants to know, one job per delivery. What is of no merchant is told to the endpoints for all of them.
 */
export function announce(type: string) {
  return async (ctx: Parameters<EventHandler<never, typeof webhooks, unknown>>[0], data: object): Promise<void> => {
    const { id, at } = ctx.delivery;
    const message = messageOf(type, data, { id, at, tenant: ctx.identity.tenant });
    const merchant = "merchant" in data && typeof data.merchant === "string" ? data.merchant : null;
    await send(ctx, message, await selectListeners(ctx.sql, message, merchant));
  };
}

/** Sends a ping to one endpoint; it says nothing but that it came. */
export const ping: Handler<typeof webhooks.ping> = async (ctx, { id: endpoint }) => {
  const { tenant } = ctx.identity;
  const [found] = await ctx.sql<{ status: string }>`
    SELECT status FROM webhooks.endpoint WHERE id = ${endpoint} AND tenant = ${tenant}`;
  if (found === undefined) throw ctx.faults.endpointNotFound({ id: endpoint });
  if (found.status !== "enabled") throw ctx.faults.endpointDisabled({ id: endpoint });
  const message = messageOf("webhook.ping", { endpoint }, { id: ctx.newId(), at: ctx.now(), tenant });
  const [id = ""] = await send(ctx, message, [endpoint]);
  const at = message.at.getTime();
  const told = { id, endpoint, message: message.id, type: message.type, status: "pending" as const };
  return { ...told, attemptCount: 0, nextAt: at, settledAt: null, createdAt: at };
};

/** The body as Standard Webhooks advises: type, timestamp, data. */
function messageOf(type: string, data: object, { id, at, tenant }: { id: string; at: number; tenant: string }) {
  const happenedAt = new Date(at);
  return {
    id,
    tenant,
    type,
    at: happenedAt,
    body: JSON.stringify({ type, timestamp: happenedAt.toISOString(), data }),
  };
}

async function send(
  ctx: Context,
  message: ReturnType<typeof messageOf>,
  endpoints: readonly string[],
): Promise<readonly string[]> {
  if (endpoints.length === 0) return [];
  const deliveries = endpoints.map((endpoint) => ({ id: ctx.newId(), endpoint }));
  await insertDeliveries(ctx.sql, message, deliveries);
  for (const { id } of deliveries) ctx.enqueue(webhooks.deliver, { id, turn: 1, step: 0 });
  return deliveries.map(({ id }) => id);
}
