import type { Handler } from "@banyan/kernel";
import { merchants } from "./contract.ts";
import { isKeyInUse, type MerchantRow, merchantOf } from "./merchant.ts";

export const onboardMerchant: Handler<typeof merchants.onboard> = async (ctx, given) => {
  const { code, name, currency, feePlan, webhookUrl, keyHash } = given;
  const rows = ctx.sql<MerchantRow>`
    INSERT INTO merchants.merchant (tenant, code, name, currency, fee_plan, webhook_url, key_hash, created_at)
    VALUES (${ctx.identity.tenant}, ${code}, ${name}, ${currency}, ${JSON.stringify(feePlan)}::jsonb, ${webhookUrl},
      ${Buffer.from(keyHash, "hex")}, ${new Date(ctx.now())})
    ON CONFLICT (tenant, code) DO NOTHING RETURNING *`;
  const [row] = await rows.catch((error: unknown) => {
    throw isKeyInUse(error) ? ctx.faults.keyInUse({ code }) : error;
  });
  if (row === undefined) throw ctx.faults.merchantExists({ code });
  const merchant = merchantOf(row);
  ctx.emit(merchants.changed, merchant);
  return merchant;
};
