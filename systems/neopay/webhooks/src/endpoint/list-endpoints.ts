import { type Handler, pageOf } from "@banyan/kernel";
import type { webhooks } from "../contract.ts";
import { selectEndpoints } from "./endpoint-store.ts";

export const listEndpoints: Handler<typeof webhooks.endpoints> = async (ctx, { after, limit }) => {
  const found = await selectEndpoints(ctx.sql, { tenant: ctx.identity.tenant, after, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, ({ number }) => number);
  return { endpoints: page.map(({ number: _, ...endpoint }) => endpoint), next };
};
