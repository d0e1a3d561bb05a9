import { type Handler, pageOf } from "@banyan/kernel";
import type { ledger } from "../contract.ts";
import { type AccountRow, accountOf } from "./account.ts";

export const readAccount: Handler<typeof ledger.account> = async (ctx, { address }) => {
  const [row] = await ctx.sql<AccountRow>`
    SELECT * FROM ledger.account WHERE tenant = ${ctx.identity.tenant} AND address = ${address}`;
  if (row === undefined) throw ctx.faults.accountNotFound({ account: address });
  return accountOf(row);
};

export const listAccounts: Handler<typeof ledger.accounts> = async (ctx, { prefix, after, limit }) => {
  // "~" sorts after every character that an address may hold.
  const rows = await ctx.sql<AccountRow>`
    SELECT * FROM ledger.account
    WHERE tenant = ${ctx.identity.tenant} AND address >= ${prefix} AND address < ${`${prefix}~`} AND address > ${after}
    ORDER BY address LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ address }) => address);
  return { accounts: page.map(accountOf), next };
};
