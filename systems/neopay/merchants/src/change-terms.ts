import type { Handler } from "@banyan/kernel";
import { merchants } from "./contract.ts";
import { type MerchantRow, merchantOf } from "./merchant.ts";

export const changeTerms: Handler<typeof merchants.changeTerms> = async (ctx, { code, feePlan, webhookUrl }) => {
  const [row] = await ctx.sql<MerchantRow>`
    UPDATE merchants.merchant
    SET fee_plan = coalesce(${feePlan === undefined ? null : JSON.stringify(feePlan)}::jsonb, fee_plan),
      webhook_url = CASE WHEN ${webhookUrl === undefined} THEN webhook_url ELSE ${webhookUrl ?? null} END
    WHERE tenant = ${ctx.identity.tenant} AND code = ${code} RETURNING *`;
  if (row === undefined) throw ctx.faults.merchantNotFound({ code });
  const merchant = merchantOf(row);
  ctx.emit(merchants.changed, merchant);
  ctx.invalidate(code);
  return merchant;
};
