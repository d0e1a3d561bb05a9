import type { Handler } from "@banyan/kernel";
import type { fx, Quote } from "./contract.ts";
import { exchangeSource, exchangeTarget } from "./exchange.ts";

type QuoteRow = {
  id: string;
  source_currency: string;
  target_currency: string;
  rate: string;
  source_minor: number;
  target_minor: number;
  remainder: string;
  created_at: Date;
  expires_at: Date;
};

export const makeQuote: Handler<typeof fx.quote> = async (ctx, input) => {
  const { sourceCurrency, targetCurrency, sourceMinor, targetMinor = 0, validForMs } = input;
  if (sourceCurrency === targetCurrency) throw ctx.faults.sameCurrency({ currency: sourceCurrency });
  const { tenant } = ctx.identity;
  const [newest] = await ctx.sql<{ rate: string }>`
    SELECT rate FROM fx.rate
    WHERE tenant = ${tenant} AND source_currency = ${sourceCurrency} AND target_currency = ${targetCurrency}
    ORDER BY number DESC LIMIT 1`;
  if (newest === undefined) throw ctx.faults.noRate({ sourceCurrency, targetCurrency });
  const pair = { sourceCurrency, targetCurrency, rate: newest.rate };
  const amounts = sourceMinor === undefined ? exchangeTarget(pair, targetMinor) : exchangeSource(pair, sourceMinor);
  if (amounts === null || amounts.targetMinor === 0) throw ctx.faults.amountOutOfRange(pair);
  const now = ctx.now();
  const [createdAt, expiresAt] = [new Date(now), new Date(now + validForMs)];
  const quote: Quote = {
    id: ctx.newId(),
    ...pair,
    ...amounts,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
  await ctx.sql`
    INSERT INTO fx.quote (id, tenant, source_currency, target_currency, rate, source_minor, target_minor, remainder, created_at, expires_at)
    VALUES (${quote.id}, ${tenant}, ${sourceCurrency}, ${targetCurrency}, ${quote.rate}, ${quote.sourceMinor}, ${quote.targetMinor},
      ${quote.remainder}::text::numeric, ${createdAt}, ${expiresAt})`;
  return quote;
};

export const findQuote: Handler<typeof fx.findQuote> = async (ctx, { id }) => {
  const [row] = await ctx.sql<QuoteRow>`
    SELECT id, source_currency, target_currency, rate, source_minor, target_minor, trim_scale(remainder)::text AS remainder, created_at, expires_at
    FROM fx.quote WHERE id = ${id} AND tenant = ${ctx.identity.tenant}`;
  if (row === undefined) throw ctx.faults.quoteNotFound({ quoteId: id });
  return quoteOf(row);
};

function quoteOf(row: QuoteRow): Quote {
  return {
    id: row.id,
    sourceCurrency: row.source_currency,
    targetCurrency: row.target_currency,
    rate: row.rate,
    sourceMinor: row.source_minor,
    targetMinor: row.target_minor,
    remainder: row.remainder,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  };
}
