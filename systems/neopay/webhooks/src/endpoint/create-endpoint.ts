import type { Handler } from "@banyan/kernel";
import { newSecret, printedSecret, resolveTarget, TargetRefused } from "@banyan/webhooks";
import type { webhooks } from "../contract.ts";
import type { Uses } from "../uses.ts";
import { countEnabled, insertEndpoint } from "./endpoint-store.ts";

/** Of one merchant, and of those for every merchant: each event is sent to all of them. */
const endpointsMax = 20;

/** The URL is looked at before the first statement, and again before each attempt: a name may point elsewhere by then. */
export const createEndpoint: Handler<typeof webhooks.createEndpoint, Uses> = async (ctx, input) => {
  const { tenant } = ctx.identity;
  const merchant = input.merchant ?? null;
  const url = await urlOf(ctx, input.url);
  if ((await countEnabled(ctx.sql, tenant, merchant)) >= endpointsMax)
    throw ctx.faults.tooManyEndpoints({ endpointsMax });
  const secret = newSecret();
  const at = new Date(ctx.now());
  const given = { id: ctx.newId(), tenant, url, merchant, types: input.types ?? [], secret, at };
  const endpoint = await insertEndpoint(ctx.sql, given);
  return { ...endpoint, secret: printedSecret(secret), oldSecretUntil: null };
};

async function urlOf(ctx: Parameters<typeof createEndpoint>[0], text: string): Promise<string> {
  try {
    const { url } = await resolveTarget(ctx.uses.network, text, ctx.signal);
    url.hash = "";
    return url.href;
  } catch (error) {
    if (error instanceof TargetRefused) throw ctx.faults.urlRefused({ url: text, reason: error.message });
    throw error;
  }
}
