import type { Handler } from "@banyan/kernel";
import type { fx } from "./contract.ts";

/** Adds a rate; those before stay, as what older quotes were made with. */
export const setRate: Handler<typeof fx.setRate> = async (ctx, { sourceCurrency, targetCurrency, rate }) => {
  if (sourceCurrency === targetCurrency) throw ctx.faults.sameCurrency({ currency: sourceCurrency });
  const { tenant, subject } = ctx.identity;
  const at = new Date(ctx.now());
  await ctx.sql`
    INSERT INTO fx.rate (tenant, source_currency, target_currency, rate, set_by, set_at)
    VALUES (${tenant}, ${sourceCurrency}, ${targetCurrency}, ${rate}, ${subject}, ${at})`;
  return { sourceCurrency, targetCurrency, rate, setBy: subject, setAt: at.toISOString() };
};
