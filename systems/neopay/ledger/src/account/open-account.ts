import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { type AccountRow, accountOf } from "./account.ts";

export const openAccount: Handler<typeof ledger.openAccount> = async (ctx, { address, currency, floorMinor }) => {
  const [row] = await ctx.sql<AccountRow>`
    INSERT INTO ledger.account (tenant, address, currency, floor_minor, opened_at)
    VALUES (${ctx.identity.tenant}, ${address}, ${currency}, ${floorMinor}, ${new Date(ctx.now())})
    ON CONFLICT DO NOTHING RETURNING *`;
  if (row === undefined) throw ctx.faults.accountExists({ account: address });
  const account = accountOf(row);
  ctx.emit(ledger.accountOpened, account);
  return account;
};
