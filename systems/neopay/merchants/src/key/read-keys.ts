import { createHmac, timingSafeEqual } from "node:crypto";
import type { Handler } from "@banyan/kernel";
import type { merchants } from "../contract.ts";
import { selectMerchant } from "../merchant.ts";
import { type KeyRow, keyOf, selectHolder, selectKeys } from "./key-store.ts";

export const listKeys: Handler<typeof merchants.keys> = async (ctx, { code }) => {
  const { tenant } = ctx.identity;
  if ((await selectMerchant(ctx.sql, tenant, code)) === undefined) throw ctx.faults.merchantNotFound({ code });
  return { keys: (await selectKeys(ctx.sql, tenant, code)).map(keyOf) };
};

/** Of any tenant: who shows the key is of the tenant whose merchant has it. */
export const findHolder: Handler<typeof merchants.keyHolder> = async (ctx, { hash }) => {
  const row = await selectHolder(ctx.sql, Buffer.from(hash, "hex"), new Date(ctx.now()));
  if (row === undefined) return { found: null };
  const { id, tenant, merchant, permissions } = row;
  return { found: { id, tenant, merchant, permissions: [...permissions] } };
};

export const verifySignature: Handler<typeof merchants.verifySignature> = async (ctx, { code, text, signature }) => {
  const given = Buffer.from(signature, "hex");
  const keys = await selectKeys(ctx.sql, ctx.identity.tenant, code);
  const hashes = keys.flatMap((key) => takenHashes(key, ctx.now()));
  return { ok: hashes.some((hash) => isEqual(createHmac("sha256", hash).update(text).digest(), given)) };
};

function takenHashes({ hash, old_hash, old_until, revoked_at }: KeyRow, at: number): Buffer[] {
  if (revoked_at !== null) return [];
  return old_hash !== null && old_until !== null && old_until.getTime() > at ? [hash, old_hash] : [hash];
}

function isEqual(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
