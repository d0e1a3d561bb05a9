import type { Handler } from "@banyan/kernel";
import type { fx } from "./contract.ts";
import { selectConversion } from "./conversion-store.ts";

export const readConversion: Handler<typeof fx.conversion> = async (ctx, { id }) => {
  const conversion = await selectConversion(ctx.sql, ctx.identity.tenant, id);
  if (conversion === null) throw ctx.faults.conversionNotFound({ id });
  return conversion;
};

export const readPositions: Handler<typeof fx.positions> = async (ctx) => ({
  positions: await ctx.sql<Awaited<ReturnType<typeof readPositions>>["positions"][number]>`
    SELECT source_currency AS "sourceCurrency", target_currency AS "targetCurrency", count(*)::integer AS "conversionCount",
      sum(source_minor)::bigint AS "sourceMinor", sum(target_minor)::bigint AS "targetMinor", trim_scale(sum(remainder))::text AS remainder
    FROM fx.quote JOIN fx.conversion ON conversion.quote = quote.id
    WHERE quote.tenant = ${ctx.identity.tenant} AND conversion.status = 'posted'
    GROUP BY 1, 2 ORDER BY 1, 2`,
});
