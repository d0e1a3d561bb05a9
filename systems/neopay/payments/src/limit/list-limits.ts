import { type Handler, pageOf } from "@banyan/kernel";
import type { payments } from "../contract.ts";
import { isKnownTo } from "../intent/known-to.ts";
import { type LimitRow, limitOf } from "./spending-limit.ts";

export const listLimits: Handler<typeof payments.limits> = async (ctx, { merchant, after = "", limit }) => {
  if (!isKnownTo(ctx.identity, merchant)) return { limits: [], next: null };
  const rows = await ctx.sql<LimitRow>`
    SELECT * FROM payments.spending_limit
    WHERE tenant = ${ctx.identity.tenant} AND merchant = ${merchant} AND name > ${after} ORDER BY name LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ name }) => name);
  return { limits: page.map(limitOf), next };
};
