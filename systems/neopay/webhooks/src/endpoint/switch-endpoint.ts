import type { Handler } from "@banyan/kernel";
import type { webhooks } from "../contract.ts";
import { updateStatus } from "./endpoint-store.ts";

export const enableEndpoint: Handler<typeof webhooks.enableEndpoint> = async (ctx, { id }) => {
  const endpoint = await updateStatus(ctx.sql, { tenant: ctx.identity.tenant, id }, null);
  if (endpoint === null) throw ctx.faults.endpointNotFound({ id });
  return endpoint;
};

export const disableEndpoint: Handler<typeof webhooks.disableEndpoint> = async (ctx, { id }) => {
  const reason = `by ${ctx.identity.subject}`;
  const endpoint = await updateStatus(ctx.sql, { tenant: ctx.identity.tenant, id }, reason);
  if (endpoint === null) throw ctx.faults.endpointNotFound({ id });
  return endpoint;
};
