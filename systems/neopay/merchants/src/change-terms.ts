import type { Handler } from "@banyan/kernel";
import { merchants } from "./contract.ts";
import { isKeyInUse, type MerchantRow, merchantOf } from "./merchant.ts";

export const changeTerms: Handler<typeof merchants.changeTerms> = async (
  ctx,
  { code, feePlan, webhookUrl, keyHash },
) => {
  const rows = ctx.sql<MerchantRow>`
    UPDATE merchants.merchant
    SET fee_plan = coalesce(${feePlan === undefined ? null : JSON.stringify(feePlan)}::jsonb, fee_plan),
      webhook_url = CASE WHEN ${webhookUrl === undefined} THEN webhook_url ELSE ${webhookUrl ?? null} END,
      key_hash = coalesce(${keyHash === undefined ? null : Buffer.from(keyHash, "hex")}::bytea, key_hash)
    WHERE tenant = ${ctx.identity.tenant} AND code = ${code} RETURNING *`;
  const [row] = await rows.catch((error: unknown) => {
    throw isKeyInUse(error) ? ctx.faults.keyInUse({ code }) : error;
  });
  if (row === undefined) throw ctx.faults.merchantNotFound({ code });
  const merchant = merchantOf(row);
  ctx.emit(merchants.changed, merchant);
  ctx.invalidate(code);
  return merchant;
};
