import type { Handler } from "@banyan/kernel";
import type { intake } from "./contract.ts";

/** Where each partition ends. */
export const readHeads: Handler<typeof intake.heads> = async (ctx) => ({
  partitions: await ctx.sql<{ partition: number; appended: number }>`
    SELECT partition, appended FROM intake.partition WHERE tenant = ${ctx.identity.tenant} ORDER BY partition`,
});
