import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { selectPayable } from "../beneficiary/beneficiaries.ts";
import type { payouts } from "../contract.ts";
import { type Batch, type Payout, payoutsMax } from "../schemas.ts";
import { insertBatch } from "./batch-store.ts";

type Context = Parameters<Handler<typeof payouts.createBatch>>[0];

const accountsPage = 1_000;
const prefix = "merchants:";

/** Takes what is available now; whether it still is when the batch is sent, the ledger decides for each payout. */
export const createBatch: Handler<typeof payouts.createBatch> = async (ctx, input) => {
  const { tenant, subject } = ctx.identity;
  const { currency, debtor, minimumMinor } = input;
  const payable = await selectPayable(ctx.sql, { tenant, currency }, input.merchants ?? null);
  const available = await availableBalances(ctx, currency);
  const payouts = payable.flatMap(({ merchant, name, account, bic }): Payout[] => {
    const amountMinor = available.get(merchant) ?? 0;
    if (amountMinor < minimumMinor) return [];
    const id = ctx.newId();
    const endToEndId = id.replaceAll("-", "");
    const payout = { id, merchant, amountMinor, currency, creditor: { name, account, bic }, endToEndId };
    return [{ ...payout, status: "planned", reason: null, transactionId: null, settledAt: null }];
  });
  if (payouts.length === 0) throw ctx.faults.nothingToPay({ currency });
  if (payouts.length > payoutsMax) throw ctx.faults.tooManyPayouts({ payoutsMax });
  const batch: Batch = {
    id: ctx.newId(),
    currency,
    debtor: { ...debtor, bic: debtor.bic ?? null },
    requestedOn: input.requestedOn ?? new Date(ctx.now()).toISOString().slice(0, 10),
    status: "draft",
    createdBy: subject,
    createdAt: new Date(ctx.now()).toISOString(),
    approvedBy: null,
    approvedAt: null,
    sentAt: null,
  };
  await insertBatch(ctx.sql, tenant, { batch, payouts });
  return { ...batch, payouts };
};

/** What each merchant could be paid of a currency, by its code. */
async function availableBalances(ctx: Context, currency: string): Promise<Map<string, number>> {
  const available = new Map<string, number>();
  let after: string | null = "";
  while (after !== null) {
    const page: { accounts: readonly Account[]; next: string | null } = await ctx.call(ledger.accounts, {
      prefix,
      after,
      limit: accountsPage,
    });
    for (const { address, currency: held, availableMinor, status } of page.accounts) {
      const [, merchant] = /^merchants:([^:]+):settlement$/.exec(address) ?? [];
      if (merchant !== undefined && held === currency && status === "open") available.set(merchant, availableMinor);
    }
    after = page.next;
  }
  return available;
}

type Account = { address: string; currency: string; availableMinor: number; status: string };
