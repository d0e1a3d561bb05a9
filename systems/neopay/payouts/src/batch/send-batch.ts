import type { Handler, Sent } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { ledgerAddressOf } from "@banyan/neopay-reconciliation/contract";
import { payouts } from "../contract.ts";
import type { Batch, Payout } from "../schemas.ts";
import { noteSent, type Posted } from "./batch-store.ts";

type Context = Parameters<Handler<typeof payouts.send>>[0];

/**
 * Posts each payout under a reference of its own, so that a job that was cut short posts none twice, and notes what the
 * ledger said. A merchant that has spent its balance meanwhile is left out, and the others are paid.
 */
export const sendBatch: Handler<typeof payouts.send> = async (ctx, { id }) => {
  const batch = await ctx.call(payouts.batch, { id });
  if (batch.status !== "approved") return;
  const planned = batch.payouts.filter(({ status }) => status === "planned");
  await openAccounts(ctx, batch);
  const { results } = await ctx.call(ledger.postBulk, {
    transactions: planned.map((payout) => transactionOf(batch, payout)),
  });
  const posted = planned.map(({ id: payout }, index): Posted => {
    const { status, id: transactionId = null, fault = null } = results[index] ?? {};
    const isPosted = status === "posted" || status === "duplicate";
    return {
      id: payout,
      transactionId: isPosted ? transactionId : null,
      // The bank's account may be what has too little, where somebody gave it a floor.
      reason: isPosted ? null : `${fault?.code}: ${fault?.message}`,
    };
  });
  await noteSent(ctx.sql, { tenant: ctx.identity.tenant, id }, { posted, at: new Date(ctx.now()) });
};

/** Money leaves the bank's account, and what the merchant may ask for is less by as much. */
function transactionOf(batch: Batch, payout: Payout): Sent<typeof ledger.post> {
  const { amountMinor, currency, merchant, endToEndId } = payout;
  const { bank, world, owed } = accountsOf(batch);
  return {
    reference: `payout:${payout.id}`,
    postings: [
      { source: `merchants:${merchant}:settlement`, destination: owed, amountMinor, currency },
      { source: bank, destination: world, amountMinor, currency },
    ],
    // What the bank's statement will say of it, for the reconciliation.
    metadata: { endToEndId, batch: batch.id },
  };
}

function accountsOf({ debtor, currency }: Batch) {
  return { bank: ledgerAddressOf(debtor.account), world: `world:bank:${currency}`, owed: `world:owed:${currency}` };
}

/** Without a floor: the ledger follows what the bank does, and the bank may overdraw its own account. */
async function openAccounts(ctx: Context, batch: Batch): Promise<void> {
  for (const address of Object.values(accountsOf(batch))) {
    try {
      await ctx.call(ledger.openAccount, { address, currency: batch.currency, floorMinor: null });
    } catch (error) {
      if (!ledger.faults.accountExists.is(error)) throw error;
    }
  }
}
