import type { Handler } from "@banyan/kernel";
import type { merchants } from "../contract.ts";
import { type KeyRow, keyOf } from "./key-store.ts";
import { newSecret } from "./secret.ts";

/** Of one merchant, not revoked: a leak of keys that nobody misses stays small. */
const keysMax = 20;

export const createKey: Handler<typeof merchants.createKey> = async (ctx, { code, name, permissions }) => {
  const { tenant, subject } = ctx.identity;
  // Locked, so that no two make the last one.
  const [merchant] = await ctx.sql`
    SELECT 1 FROM merchants.merchant WHERE tenant = ${tenant} AND code = ${code} FOR NO KEY UPDATE`;
  if (merchant === undefined) throw ctx.faults.merchantNotFound({ code });
  const live = await ctx.sql`
    SELECT 1 FROM merchants.api_key WHERE tenant = ${tenant} AND merchant = ${code} AND revoked_at IS NULL`;
  if (live.length >= keysMax) throw ctx.faults.tooManyKeys({ keysMax });
  const { key, hash, hint } = newSecret();
  const [row] = await ctx.sql<KeyRow>`
    INSERT INTO merchants.api_key (id, tenant, merchant, name, permissions, hint, hash, created_by, created_at)
    VALUES (${ctx.newId()}, ${tenant}, ${code}, ${name}, ${permissions}, ${hint}, ${hash}, ${subject}, ${new Date(ctx.now())})
    RETURNING *`;
  return { ...keyOf(row as KeyRow), key };
};
