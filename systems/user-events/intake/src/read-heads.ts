import type { Handler } from "@banyan/kernel";
import type { intake } from "./contract.ts";

/** Where each partition ends. */
export const readHeads: Handler<typeof intake.heads> = async (ctx) => ({
  partitions: await ctx.sql<{ partition: number; appended: number }>`
    SELECT partition, appended FROM intake.partition WHERE tenant = ${ctx.identity.tenant} ORDER BY partition`,
});

/** How much each tenant ever appended. */
export const readAppended: Handler<typeof intake.appended> = async (ctx) => ({
  tenants: await ctx.sql<{ tenant: string; appended: number }>`
    SELECT tenant, sum(appended)::bigint AS appended FROM intake.partition GROUP BY tenant`,
});
