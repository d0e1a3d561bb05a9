import type { Sql } from "@banyan/kernel";
import type { Key } from "./schemas.ts";

/** A row of merchants.api_key. */
export interface KeyRow {
  readonly id: string;
  readonly tenant: string;
  readonly merchant: string;
  readonly name: string;
  readonly permissions: readonly Key["permissions"][number][];
  readonly hint: string;
  readonly hash: Buffer;
  readonly old_hash: Buffer | null;
  readonly old_until: Date | null;
  readonly created_by: string;
  readonly created_at: Date;
  readonly revoked_at: Date | null;
}

export function keyOf(row: KeyRow): Key {
  return {
    id: row.id,
    merchant: row.merchant,
    name: row.name,
    permissions: [...row.permissions],
    hint: row.hint,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    oldUntil: row.old_until?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}

/** A merchant's keys, in the order of their making. */
export function selectKeys(sql: Sql, tenant: string, merchant: string): Promise<KeyRow[]> {
  return sql<KeyRow>`SELECT * FROM merchants.api_key WHERE tenant = ${tenant} AND merchant = ${merchant} ORDER BY id`;
}

/** The key that is taken with the hash now; of any tenant. */
export async function selectHolder(sql: Sql, hash: Buffer, at: Date): Promise<KeyRow | undefined> {
  const [row] = await sql<KeyRow>`
    SELECT * FROM merchants.api_key WHERE (hash = ${hash} OR old_hash = ${hash} AND old_until > ${at}) AND revoked_at IS NULL`;
  return row;
}

/** The key of the merchant, locked until the end of the transaction. */
export async function lockKey(
  sql: Sql,
  { tenant, merchant, id }: { readonly tenant: string; readonly merchant: string; readonly id: string },
): Promise<KeyRow | undefined> {
  const [row] = await sql<KeyRow>`
    SELECT * FROM merchants.api_key WHERE id = ${id} AND tenant = ${tenant} AND merchant = ${merchant} FOR NO KEY UPDATE`;
  return row;
}
