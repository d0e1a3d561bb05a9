import { randomBytes } from "node:crypto";
import type { Handler, Sql } from "@banyan/kernel";
import { type PseudonymKey, pseudonymOf } from "@banyan/user-events-formats";
import type { sources } from "./contract.ts";

/** As large as the hash. */
const secretBytes = 32;
const cacheTag = "pseudonyms";

/** Makes the first key of a tenant where it has none. */
export async function ensurePseudonymKey(sql: Sql, tenant: string): Promise<void> {
  await sql`
    INSERT INTO sources.pseudonym_key (tenant, number, secret)
    SELECT ${tenant}, 1, ${randomBytes(secretBytes)} WHERE NOT EXISTS (SELECT FROM sources.pseudonym_key WHERE tenant = ${tenant})
    ON CONFLICT DO NOTHING`;
}

/** From now on pseudonyms are made by a new key; those that were made stay what they are. */
export const rotatePseudonymKey: Handler<typeof sources.rotatePseudonymKey> = async (ctx) => {
  const { tenant } = ctx.identity;
  await ensurePseudonymKey(ctx.sql, tenant);
  // One after the other: both of two at once would take the same number.
  await ctx.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`sources.pseudonym_key ${tenant}`}, 0))`;
  const [added] = await ctx.sql<{ number: number }>`
    INSERT INTO sources.pseudonym_key (tenant, number, secret)
    SELECT ${tenant}, max(number) + 1, ${randomBytes(secretBytes)} FROM sources.pseudonym_key WHERE tenant = ${tenant} RETURNING number`;
  ctx.invalidate(cacheTag);
  return { number: added?.number ?? 1 };
};

/** The key that makes pseudonyms now. */
export const readPseudonymKey: Handler<typeof sources.pseudonymKey> = async (ctx) => {
  const newest = (await selectKeys(ctx.sql, ctx.identity.tenant)).at(-1);
  return { key: newest === undefined ? null : { number: newest.number, secret: printed(newest.secret) } };
};

/** What stands for a value, by every key that there was. */
export const readPseudonyms: Handler<typeof sources.pseudonymsOf> = async (ctx, { value }) => {
  const keys = await selectKeys(ctx.sql, ctx.identity.tenant);
  return { pseudonyms: keys.map((key) => pseudonymOf(value, key)) };
};

function selectKeys(sql: Sql, tenant: string): Promise<PseudonymKey[]> {
  return sql<PseudonymKey>`SELECT number, secret FROM sources.pseudonym_key WHERE tenant = ${tenant} ORDER BY number`;
}

function printed(secret: Uint8Array): string {
  return Buffer.from(secret).toString("base64url");
}
