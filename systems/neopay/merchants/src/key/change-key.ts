import type { Handler } from "@banyan/kernel";
import type { merchants } from "../contract.ts";
import { type KeyRow, keyOf, lockKey } from "./key-store.ts";
import { newSecret } from "./secret.ts";

/** Another key in the place of the one before, which a merchant has a while to replace. Of three the first is not taken any more. */
export const rotateKey: Handler<typeof merchants.rotateKey> = async (ctx, { code, id, overlapMs }) => {
  const found = await lockKey(ctx.sql, { tenant: ctx.identity.tenant, merchant: code, id });
  if (found === undefined) throw ctx.faults.keyNotFound({ id });
  if (found.revoked_at !== null) throw ctx.faults.keyRevoked({ id });
  const { key, hash, hint } = newSecret();
  const [row] = await ctx.sql<KeyRow>`
    UPDATE merchants.api_key SET hash = ${hash}, hint = ${hint}, old_hash = hash, old_until = ${new Date(ctx.now() + overlapMs)}
    WHERE id = ${id} AND tenant = ${found.tenant} RETURNING *`;
  return { ...keyOf(row as KeyRow), key };
};

/** Again it has no effect: the first moment stays. */
export const revokeKey: Handler<typeof merchants.revokeKey> = async (ctx, { code, id }) => {
  const found = await lockKey(ctx.sql, { tenant: ctx.identity.tenant, merchant: code, id });
  if (found === undefined) throw ctx.faults.keyNotFound({ id });
  const [row] = await ctx.sql<KeyRow>`
    UPDATE merchants.api_key SET revoked_at = coalesce(revoked_at, ${new Date(ctx.now())})
    WHERE id = ${id} AND tenant = ${found.tenant} RETURNING *`;
  return keyOf(row as KeyRow);
};
