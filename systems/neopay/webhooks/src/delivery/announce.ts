import type { EventHandler, EventsHandler, Handler, Sql } from "@banyan/kernel";
import { webhooks } from "../contract.ts";
import { insertDeliveries, type Message, selectListeners } from "./delivery-store.ts";

type EventContext = Parameters<EventHandler<never, typeof webhooks, unknown>>[0];
type EventsContext = Parameters<EventsHandler<never, typeof webhooks, unknown>>[0];

/** A message, the endpoints that it goes to, and on whose behalf. */
interface Telling {
  readonly ctx: Pick<EventContext, "newId" | "enqueue">;
  readonly message: Message;
  readonly endpoints: readonly string[];
}

/**
 * Tells events under the name that the outside knows them by, in the transaction of their subscription: one message per event, one
 * delivery per endpoint that wants to know, one job per delivery. What is of no merchant is told to the endpoints for all of them.
 */
export function announce(type: string) {
  return async (all: EventsContext, events: readonly object[]): Promise<void> => {
    const { sql, identity } = all;
    const told = events.map((data, place) => {
      const ctx = all.of(place);
      const merchant = "merchant" in data && typeof data.merchant === "string" ? data.merchant : null;
      return { ctx, merchant, message: messageOf(type, data, ctx.delivery) };
    });
    const merchants = told.flatMap(({ merchant }) => merchant ?? []);
    const listeners = await selectListeners(sql, { tenant: identity.tenant, type }, merchants);
    const tellings = told.map(({ ctx, merchant, message }) => {
      const hearing = listeners.filter((one) => one.merchant === null || one.merchant === merchant);
      return { ctx, message, endpoints: hearing.map(({ id }) => id) };
    });
    await send(sql, identity.tenant, tellings);
  };
}

/** Sends a ping to one endpoint; it says nothing but that it came. */
export const ping: Handler<typeof webhooks.ping> = async (ctx, { id: endpoint }) => {
  const { tenant } = ctx.identity;
  const [found] = await ctx.sql<{ status: string }>`
    SELECT status FROM webhooks.endpoint WHERE id = ${endpoint} AND tenant = ${tenant}`;
  if (found === undefined) throw ctx.faults.endpointNotFound({ id: endpoint });
  if (found.status !== "enabled") throw ctx.faults.endpointDisabled({ id: endpoint });
  const message = messageOf("webhook.ping", { endpoint }, { id: ctx.newId(), at: ctx.now() });
  const [id = ""] = await send(ctx.sql, tenant, [{ ctx, message, endpoints: [endpoint] }]);
  const at = message.at.toISOString();
  const told = { id, endpoint, message: message.id, type: message.type, status: "pending" as const };
  return { ...told, attemptCount: 0, nextAt: at, settledAt: null, createdAt: at };
};

/** The body as Standard Webhooks advises: type, timestamp, data. */
function messageOf(type: string, data: object, { id, at }: { readonly id: string; readonly at: number }): Message {
  const happenedAt = new Date(at);
  return { id, type, at: happenedAt, body: JSON.stringify({ type, timestamp: happenedAt.toISOString(), data }) };
}

/** Answers the ids of the deliveries. */
async function send(sql: Sql, tenant: string, tellings: readonly Telling[]): Promise<readonly string[]> {
  const heard = tellings.filter(({ endpoints }) => endpoints.length > 0);
  if (heard.length === 0) return [];
  const deliveries = heard.flatMap(({ ctx, message, endpoints }) =>
    endpoints.map((endpoint) => ({ id: ctx.newId(), endpoint, message, ctx })),
  );
  await insertDeliveries(sql, tenant, { messages: heard.map(({ message }) => message), deliveries });
  for (const { ctx, id } of deliveries) ctx.enqueue(webhooks.deliver, { id, turn: 1, step: 0 });
  return deliveries.map(({ id }) => id);
}
