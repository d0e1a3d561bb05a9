import type { Sql } from "@banyan/kernel";
import type { FeePlan } from "@banyan/neopay-money";
import type { Merchant } from "./contract.ts";

/** A row of merchants.merchant. */
export interface MerchantRow {
  readonly code: string;
  readonly name: string;
  readonly currency: string;
  readonly status: Merchant["status"];
  readonly fee_plan: FeePlan;
  readonly webhook_url: string | null;
  readonly created_at: Date;
}

export function merchantOf(row: MerchantRow): Merchant {
  return {
    code: row.code,
    name: row.name,
    currency: row.currency,
    status: row.status,
    feePlan: row.fee_plan,
    webhookUrl: row.webhook_url,
    createdAt: row.created_at.toISOString(),
  };
}

export async function selectMerchant(sql: Sql, tenant: string, code: string): Promise<MerchantRow | undefined> {
  const [row] = await sql<MerchantRow>`SELECT * FROM merchants.merchant WHERE tenant = ${tenant} AND code = ${code}`;
  return row;
}

/** The merchant with its new status, which it may have had before; undefined where there is none. */
export async function setStatus(
  sql: Sql,
  { tenant, code }: { readonly tenant: string; readonly code: string },
  status: Merchant["status"],
): Promise<Merchant | undefined> {
  const [row] = await sql<MerchantRow>`
    UPDATE merchants.merchant SET status = ${status} WHERE tenant = ${tenant} AND code = ${code} RETURNING *`;
  return row && merchantOf(row);
}
