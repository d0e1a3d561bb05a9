import { type Handler, isFault } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { type Conversion, fx, type Quote } from "./contract.ts";
import { settle } from "./conversion-store.ts";

type Context = Parameters<Handler<typeof fx.post>>[0];

/** Each currency has an account that takes what is sold of it and gives what is bought; what the house holds of it is its balance. */
const houseAccount = (currency: string) => `fx:${currency}`;

export const postConversion: Handler<typeof fx.post> = async (ctx, { id }) => {
  const conversion = await ctx.call(fx.conversion, { id });
  if (conversion.status !== "pending") return;
  const quote = await ctx.call(fx.findQuote, { id: conversion.quoteId });
  await openHouseAccounts(ctx, quote);
  const outcome = await post(ctx, conversion, quote);
  const settled = await settle(ctx.sql, id, { ...outcome, at: new Date(ctx.now()) });
  if (settled !== null) ctx.emit(settled.status === "posted" ? fx.converted : fx.conversionFailed, settled);
};

/** Both amounts or neither; what the ledger refuses for good is the conversion's end, everything else is tried again. */
async function post(
  ctx: Context,
  { id, source, destination }: Conversion,
  { sourceCurrency, targetCurrency, sourceMinor, targetMinor, rate }: Quote,
): Promise<{ transactionId: string | null; reason: string | null }> {
  const postings = [
    { source, destination: houseAccount(sourceCurrency), amountMinor: sourceMinor, currency: sourceCurrency },
    { source: houseAccount(targetCurrency), destination, amountMinor: targetMinor, currency: targetCurrency },
  ];
  try {
    const posted = await ctx.call(ledger.post, { reference: `fx:${id}`, postings, metadata: { rate } });
    return { transactionId: posted.id, reason: null };
  } catch (error) {
    if (ledger.faults.duplicateReference.is(error)) return { transactionId: error.details.existingId, reason: null };
    if (isFault(error) && error.retry === "no") return { transactionId: null, reason: error.code };
    throw error;
  }
}

async function openHouseAccounts(ctx: Context, { sourceCurrency, targetCurrency }: Quote): Promise<void> {
  for (const currency of [sourceCurrency, targetCurrency]) {
    try {
      await ctx.call(ledger.openAccount, { address: houseAccount(currency), currency, floorMinor: null });
    } catch (error) {
      if (!ledger.faults.accountExists.is(error)) throw error;
    }
  }
}
