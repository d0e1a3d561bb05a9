import type { Identity, Returned, Sent } from "@banyan/kernel";
import type { AnyQuery } from "@banyan/kernel/app";
import { actsFor, merchants } from "../contract.ts";

/** A root call, as `App` has it. */
type AskQuery = <A extends AnyQuery>(action: A, input: Sent<A>) => Promise<Returned<A>>;

/** Who calls with a key of a merchant's, by the key's hash: it acts for that merchant alone. Undefined where nobody has the key. */
export async function identifyMerchant(call: AskQuery, keyHash: string): Promise<Identity | undefined> {
  const { found } = await call(merchants.keyHolder, { hash: keyHash });
  if (found === null) return undefined;
  const { id, tenant, merchant, permissions } = found;
  const name = actsFor(merchant);
  return {
    subject: `${name}/keys/${id}`,
    tenant,
    permissions: new Set([...permissions, name]),
    // All its keys are one customer's, so that a call tried again under a new key has no second effect.
    idempotencyScope: name,
  };
}
