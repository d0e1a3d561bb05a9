import type { Sql } from "@banyan/kernel";
import type { Endpoint } from "./schemas.ts";

interface EndpointRow {
  readonly id: string;
  readonly number: number;
  readonly url: string;
  readonly merchant: string | null;
  readonly types: readonly string[];
  readonly status: Endpoint["status"];
  readonly disabled_reason: string | null;
  readonly failing_since: Date | null;
  readonly created_at: Date;
}

/** Up to `limit` endpoints after a number, in the order of their making. */
export async function selectEndpoints(
  sql: Sql,
  { tenant, after, limit }: { readonly tenant: string; readonly after: number; readonly limit: number },
): Promise<(Endpoint & { number: number })[]> {
  const rows = await sql<EndpointRow>`
    SELECT * FROM webhooks.endpoint WHERE tenant = ${tenant} AND number > ${after} ORDER BY number LIMIT ${limit}`;
  return rows.map((row) => ({ ...endpointOf(row), number: row.number }));
}

/** How many of a merchant's endpoints are enabled. */
export async function countEnabled(sql: Sql, tenant: string, merchant: string | null): Promise<number> {
  const [row] = await sql<{ count: number }>`
    SELECT count(*)::integer AS count FROM webhooks.endpoint
    WHERE tenant = ${tenant} AND merchant IS NOT DISTINCT FROM ${merchant}::text AND status = 'enabled'`;
  return row?.count ?? 0;
}

export async function insertEndpoint(
  sql: Sql,
  given: {
    readonly id: string;
    readonly tenant: string;
    readonly url: string;
    readonly merchant: string | null;
    readonly types: readonly string[];
    readonly secret: Buffer;
    readonly at: Date;
  },
): Promise<Endpoint> {
  const [row] = await sql<EndpointRow>`
    INSERT INTO webhooks.endpoint (id, tenant, url, merchant, types, secret, created_at)
    VALUES (${given.id}, ${given.tenant}, ${given.url}, ${given.merchant}, ${given.types}, ${given.secret}, ${given.at})
    RETURNING *`;
  return endpointOf(row as EndpointRow);
}

/** Puts a secret in the place of the one before, which stays until `oldUntil`. Null where there is no such endpoint. */
export async function replaceSecret(
  sql: Sql,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  { secret, oldUntil }: { readonly secret: Buffer; readonly oldUntil: Date },
): Promise<Endpoint | null> {
  const [row] = await sql<EndpointRow>`
    UPDATE webhooks.endpoint SET old_secret = secret, old_secret_until = ${oldUntil}, secret = ${secret}
    WHERE id = ${id} AND tenant = ${tenant} RETURNING *`;
  return row ? endpointOf(row) : null;
}

/** Enables with a clean slate where `disabledReason` is null. Null where there is no such endpoint. */
export async function updateStatus(
  sql: Sql,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  disabledReason: string | null,
): Promise<Endpoint | null> {
  const [row] = await sql<EndpointRow>`
    UPDATE webhooks.endpoint SET status = ${disabledReason === null ? "enabled" : "disabled"},
      disabled_reason = ${disabledReason}, failing_since = NULL
    WHERE id = ${id} AND tenant = ${tenant} RETURNING *`;
  return row ? endpointOf(row) : null;
}

/** Notes how an attempt went; answers the endpoint, or null where nothing of it changed. */
export async function noteHealth(
  sql: Sql,
  id: string,
  { ok, at }: { readonly ok: boolean; readonly at: Date },
): Promise<Endpoint | null> {
  const [row] = ok
    ? await sql<EndpointRow>`
        UPDATE webhooks.endpoint SET failing_since = NULL WHERE id = ${id} AND failing_since IS NOT NULL RETURNING *`
    : await sql<EndpointRow>`
        UPDATE webhooks.endpoint SET failing_since = coalesce(failing_since, ${at}) WHERE id = ${id} RETURNING *`;
  return row ? endpointOf(row) : null;
}

function endpointOf(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    url: row.url,
    merchant: row.merchant,
    types: [...row.types],
    status: row.status,
    disabledReason: row.disabled_reason,
    failingSince: row.failing_since?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
