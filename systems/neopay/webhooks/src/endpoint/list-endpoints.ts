import type { Handler } from "@banyan/kernel";
import type { webhooks } from "../contract.ts";
import { selectEndpoints } from "./endpoint-store.ts";

/** One more than asked for tells whether another page follows. */
export const listEndpoints: Handler<typeof webhooks.endpoints> = async (ctx, { after, limit }) => {
  const found = await selectEndpoints(ctx.sql, { tenant: ctx.identity.tenant, after, limit: limit + 1 });
  const page = found.slice(0, limit);
  return {
    endpoints: page.map(({ number: _, ...endpoint }) => endpoint),
    next: found.length > limit ? (page.at(-1)?.number ?? null) : null,
  };
};
