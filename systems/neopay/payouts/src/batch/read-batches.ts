import { type Handler, pageOf } from "@banyan/kernel";
import { writePain001 } from "@banyan/neopay-bank-files";
import type { payouts } from "../contract.ts";
import { selectBatch, selectBatches, selectPayouts } from "./batch-store.ts";

export const readBatch: Handler<typeof payouts.batch> = async (ctx, { id }) => {
  const [batch, found] = await Promise.all([
    selectBatch(ctx.sql, { tenant: ctx.identity.tenant, id }),
    selectPayouts(ctx.sql, id),
  ]);
  if (batch === null) throw ctx.faults.batchNotFound({ id });
  return { ...batch, payouts: found };
};

export const listBatches: Handler<typeof payouts.batches> = async (ctx, { after, limit }) => {
  const found = await selectBatches(ctx.sql, { tenant: ctx.identity.tenant, after, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, ({ number }) => number);
  return { batches: page.map(({ number: _, ...batch }) => batch), next };
};

/** The same text whenever it is asked for: what the bank has done with a payout since does not change what it was told. */
export const printPain001: Handler<typeof payouts.pain001> = async (ctx, { id }) => {
  const [batch, found] = await Promise.all([
    selectBatch(ctx.sql, { tenant: ctx.identity.tenant, id }),
    selectPayouts(ctx.sql, id),
  ]);
  if (batch === null) throw ctx.faults.batchNotFound({ id });
  if (batch.sentAt === null) throw ctx.faults.batchNotSent({ id, status: batch.status });
  const messageId = id.replaceAll("-", "");
  const transfers = found
    .filter(({ transactionId }) => transactionId !== null)
    .map(({ endToEndId, amountMinor, creditor, merchant }) => {
      return { endToEndId, amountMinor, creditor, remittance: `Payout ${merchant}` };
    });
  if (transfers.length === 0) throw ctx.faults.nothingInstructed({ id });
  const { currency, debtor, requestedOn } = batch;
  const createdAt = new Date(batch.sentAt);
  return { content: writePain001({ messageId, createdAt, requestedOn, currency, debtor, transfers }) };
};
