import type { Handler } from "@banyan/kernel";
import { fx } from "./contract.ts";
import { insertConversion, selectByQuote } from "./conversion-store.ts";

/** Takes the quote for good; the money follows by a job, in one transaction of the ledger. */
export const convert: Handler<typeof fx.convert> = async (ctx, { quoteId, source, destination }) => {
  const { tenant } = ctx.identity;
  const [quote] = await ctx.sql<{ expires_at: Date }>`
    SELECT expires_at FROM fx.quote WHERE id = ${quoteId} AND tenant = ${tenant}`;
  if (quote === undefined) throw ctx.faults.quoteNotFound({ quoteId });
  const earlier = await selectByQuote(ctx.sql, tenant, quoteId);
  if (earlier !== null) throw ctx.faults.quoteUsed({ quoteId, conversionId: earlier.id });
  const [now, { expires_at: expiredAt }] = [new Date(ctx.now()), quote];
  if (expiredAt <= now) throw ctx.faults.quoteExpired({ quoteId, expiredAt: expiredAt.toISOString() });
  const given = { id: ctx.newId(), quoteId, source, destination, createdAt: now.toISOString() };
  const conversion = await insertConversion(ctx.sql, tenant, given);
  if (conversion === null) {
    // Another one took it between the look and the insert; now it can be seen.
    const taken = await selectByQuote(ctx.sql, tenant, quoteId);
    throw ctx.faults.quoteUsed({ quoteId, conversionId: taken?.id ?? given.id });
  }
  ctx.enqueue(fx.post, { id: conversion.id });
  return conversion;
};
