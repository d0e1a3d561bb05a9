import type { Handler } from "@banyan/kernel";
import { newSecret, printedSecret } from "@banyan/webhooks";
import type { webhooks } from "../contract.ts";
import { replaceSecret } from "./endpoint-store.ts";

/** Time for a receiver to learn the new secret. */
const overlapMs = 86_400_000;

export const rotateSecret: Handler<typeof webhooks.rotateSecret> = async (ctx, { id }) => {
  const secret = newSecret();
  const oldUntil = new Date(ctx.now() + overlapMs);
  const endpoint = await replaceSecret(ctx.sql, { tenant: ctx.identity.tenant, id }, { secret, oldUntil });
  if (endpoint === null) throw ctx.faults.endpointNotFound({ id });
  return { ...endpoint, secret: printedSecret(secret), oldSecretUntil: oldUntil.toISOString() };
};
