import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { type AccountRow, accountOf } from "./account.ts";

/** Closing a closed account changes nothing and answers it again. */
export const closeAccount: Handler<typeof ledger.closeAccount> = async (ctx, { address }) => {
  const [row] = await ctx.sql<AccountRow>`
    SELECT * FROM ledger.account WHERE tenant = ${ctx.identity.tenant} AND address = ${address} FOR NO KEY UPDATE`;
  if (row === undefined) throw ctx.faults.accountNotFound({ account: address });
  const account = accountOf(row);
  if (account.status === "closed") return account;
  const { balanceMinor, pendingDebitMinor, pendingCreditMinor } = account;
  if (balanceMinor !== 0 || pendingDebitMinor !== 0 || pendingCreditMinor !== 0) {
    throw ctx.faults.accountNotEmpty({ account: address, balanceMinor, pendingDebitMinor, pendingCreditMinor });
  }
  await ctx.sql`UPDATE ledger.account SET status = 'closed' WHERE id = ${row.id}`;
  const closed = { ...account, status: "closed" as const };
  ctx.emit(ledger.accountClosed, closed);
  ctx.invalidate(address);
  return closed;
};
