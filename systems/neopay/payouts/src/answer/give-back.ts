import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { type PayoutRow, payoutOf } from "../batch/payout-row.ts";
import { payouts } from "../contract.ts";
import { toldOf } from "./payout-news.ts";

/** Reverts the payout's posting, at most once whoever tries, and says that the merchant has its money again. */
export const giveBack: Handler<typeof payouts.giveBack> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  const [row] = await ctx.sql<PayoutRow>`
    SELECT * FROM payouts.payout WHERE id = ${id} AND tenant = ${tenant} AND status = 'returning' FOR UPDATE`;
  if (row === undefined) return;
  const { transaction_id, end_to_end_id } = row;
  if (transaction_id === null) throw new Error(`the payout ${id} is returning, but was never posted`);
  try {
    const metadata = { endToEndId: end_to_end_id, batch: row.batch };
    await ctx.call(ledger.revert, { id: transaction_id, reference: `payout-return:${id}`, metadata });
  } catch (error) {
    if (!ledger.faults.alreadyReverted.is(error)) throw error;
  }
  await ctx.sql`UPDATE payouts.payout SET status = 'returned' WHERE id = ${id}`;
  ctx.emit(payouts.returned, toldOf({ ...payoutOf(row), batch: row.batch }));
};
