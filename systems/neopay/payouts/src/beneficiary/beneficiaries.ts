import { type Handler, pageOf, type Sql } from "@banyan/kernel";
import type { payouts } from "../contract.ts";
import type { Beneficiary } from "../schemas.ts";

type BeneficiaryRow = Omit<Beneficiary, "changedBy" | "changedAt"> & { changed_by: string; changed_at: Date };

export const setBeneficiary: Handler<typeof payouts.setBeneficiary> = async (
  ctx,
  { merchant, currency, name, account, bic = null },
) => {
  const { tenant, subject } = ctx.identity;
  const [row] = await ctx.sql<BeneficiaryRow>`
    INSERT INTO payouts.beneficiary (tenant, merchant, currency, name, account, bic, changed_by, changed_at)
    VALUES (${tenant}, ${merchant}, ${currency}, ${name}, ${account}, ${bic}, ${subject}, ${new Date(ctx.now())})
    ON CONFLICT (tenant, merchant, currency) DO UPDATE SET name = excluded.name, account = excluded.account,
      bic = excluded.bic, changed_by = excluded.changed_by, changed_at = excluded.changed_at
    RETURNING *`;
  return beneficiaryOf(row as BeneficiaryRow);
};

export const listBeneficiaries: Handler<typeof payouts.beneficiaries> = async (ctx, { after = ":", limit }) => {
  const [afterMerchant, afterCurrency] = after.split(":");
  const rows = await ctx.sql<BeneficiaryRow>`
    SELECT * FROM payouts.beneficiary
    WHERE tenant = ${ctx.identity.tenant} AND (merchant, currency) > (${afterMerchant}, ${afterCurrency})
    ORDER BY merchant, currency LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ merchant, currency }) => `${merchant}:${currency}`);
  return { beneficiaries: page.map(beneficiaryOf), next };
};

/** Everybody who can be paid in a currency, of the named merchants or of all. */
export async function selectPayable(
  sql: Sql,
  { tenant, currency }: { readonly tenant: string; readonly currency: string },
  merchants: readonly string[] | null,
): Promise<Beneficiary[]> {
  const rows = await sql<BeneficiaryRow>`
    SELECT * FROM payouts.beneficiary
    WHERE tenant = ${tenant} AND currency = ${currency} AND (${merchants}::text[] IS NULL OR merchant = ANY (${merchants}))
    ORDER BY merchant`;
  return rows.map(beneficiaryOf);
}

function beneficiaryOf({
  merchant,
  currency,
  name,
  account,
  bic,
  changed_by,
  changed_at,
}: BeneficiaryRow): Beneficiary {
  return { merchant, currency, name, account, bic, changedBy: changed_by, changedAt: changed_at.toISOString() };
}
