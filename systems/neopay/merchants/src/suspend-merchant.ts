import type { Handler } from "@banyan/kernel";
import { merchants } from "./contract.ts";
import { setStatus } from "./merchant.ts";

export const suspendMerchant: Handler<typeof merchants.suspend> = async (ctx, { code }) => {
  const merchant = await setStatus(ctx.sql, { tenant: ctx.identity.tenant, code }, "suspended");
  if (merchant === undefined) throw ctx.faults.merchantNotFound({ code });
  ctx.emit(merchants.changed, merchant);
  ctx.invalidate(code);
  return merchant;
};
