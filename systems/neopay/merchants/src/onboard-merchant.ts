import type { Handler } from "@banyan/kernel";
import { merchants } from "./contract.ts";
import { type MerchantRow, merchantOf } from "./merchant.ts";

export const onboardMerchant: Handler<typeof merchants.onboard> = async (ctx, given) => {
  const { code, name, currency, feePlan, webhookUrl } = given;
  const [row] = await ctx.sql<MerchantRow>`
    INSERT INTO merchants.merchant (tenant, code, name, currency, fee_plan, webhook_url, created_at)
    VALUES (${ctx.identity.tenant}, ${code}, ${name}, ${currency}, ${JSON.stringify(feePlan)}::jsonb, ${webhookUrl},
      ${new Date(ctx.now())})
    ON CONFLICT (tenant, code) DO NOTHING RETURNING *`;
  if (row === undefined) throw ctx.faults.merchantExists({ code });
  const merchant = merchantOf(row);
  ctx.emit(merchants.changed, merchant);
  return merchant;
};
