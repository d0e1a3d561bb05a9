import type { Handler } from "@banyan/kernel";
import { type Merchant, merchantOf, merchants } from "@banyan/neopay-merchants/contract";
import { payments } from "../contract.ts";
import { isKnownTo } from "./known-to.ts";
import { type PaymentRow, paymentOf } from "./payment-store.ts";

type Context = Parameters<Handler<typeof payments.create>>[0];
type Given = Parameters<Handler<typeof payments.create>>[1];

/** As long as card schemes let an authorization stand. */
const lifetimeMs = 7 * 86_400_000;

export const createPayment: Handler<typeof payments.create> = async (ctx, given) => {
  const { merchant: code = merchantOf(ctx.identity), merchantTxnId, orderId, amountMinor, currency, method } = given;
  if (code === undefined) throw ctx.faults.merchantMissing();
  const expiresAt = new Date(given.expiresAt ?? ctx.now() + lifetimeMs);
  if (expiresAt.getTime() <= ctx.now()) throw ctx.faults.expiryPast({ expiresAt: expiresAt.toISOString() });
  const merchant = isKnownTo(ctx.identity, code) ? await findMerchant(ctx, code) : undefined;
  if (merchant?.status !== "approved") throw ctx.faults.merchantNotApproved({ merchant: code, resultCode: 30 });
  await checkSignature(ctx, { ...given, merchant: code });
  if (merchant.currency !== currency) throw ctx.faults.currencyDiffers({ merchant: code, currency: merchant.currency });
  const { tenant } = ctx.identity;
  const id = ctx.newId();
  const [row] = await ctx.sql<PaymentRow>`
    INSERT INTO payments.payment (id, tenant, merchant, merchant_txn_id, order_id, amount_minor, currency, method, capture_mode,
      return_url, fee_plan, created_at, expires_at)
    VALUES (${id}, ${tenant}, ${code}, ${merchantTxnId}, ${orderId}, ${amountMinor}, ${currency}, ${method}, ${given.capture},
      ${given.returnUrl ?? null}, ${JSON.stringify(merchant.feePlan)}::jsonb, ${new Date(ctx.now())}, ${expiresAt})
    ON CONFLICT (tenant, merchant, merchant_txn_id) DO NOTHING RETURNING *`;
  if (row === undefined) {
    const [existing] = await ctx.sql<{ id: string }>`
      SELECT id FROM payments.payment WHERE tenant = ${tenant} AND merchant = ${code} AND merchant_txn_id = ${merchantTxnId}`;
    throw ctx.faults.merchantTxnExists({ merchantTxnId, existingId: existing?.id ?? "" });
  }
  ctx.start(payments.expire, { id }, { at: expiresAt.getTime() });
  return paymentOf(row);
};

async function findMerchant(ctx: Context, code: string): Promise<Merchant | undefined> {
  return await ctx.call(merchants.find, { code }).catch((error: unknown) => {
    if (merchants.faults.merchantNotFound.is(error)) return undefined;
    throw error;
  });
}

async function checkSignature(ctx: Context, given: Given & { readonly merchant: string }): Promise<void> {
  const { merchant, merchantTxnId, orderId, amountMinor, currency, method, signature } = given;
  if (signature === undefined) return;
  const text = [merchant, merchantTxnId, orderId, amountMinor, currency, method].join("|");
  const { ok } = await ctx.call(merchants.verifySignature, { code: merchant, text, signature });
  if (!ok) throw ctx.faults.badSignature({ merchant, resultCode: 98 });
}
