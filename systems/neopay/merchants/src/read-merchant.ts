import { type Handler, pageOf } from "@banyan/kernel";
import type { merchants } from "./contract.ts";
import { type MerchantRow, merchantOf, selectMerchant } from "./merchant.ts";

export const findMerchant: Handler<typeof merchants.find> = async (ctx, { code }) => {
  const row = await selectMerchant(ctx.sql, ctx.identity.tenant, code);
  if (row === undefined) throw ctx.faults.merchantNotFound({ code });
  return merchantOf(row);
};

export const listMerchants: Handler<typeof merchants.list> = async (ctx, { after = "", limit }) => {
  const rows = await ctx.sql<MerchantRow>`
    SELECT * FROM merchants.merchant WHERE tenant = ${ctx.identity.tenant} AND code > ${after} ORDER BY code LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ code }) => code);
  return { merchants: page.map(merchantOf), next };
};
