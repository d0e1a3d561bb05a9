import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";

interface BalanceRow {
  readonly currency: string;
  readonly balance_minor: number;
}

const dayMs = 86_400_000;

/** Each way is one statement, so that it sees one state of the books. */
export const readBalance: Handler<typeof ledger.balance> = async (ctx, { address, at }) => {
  const { tenant } = ctx.identity;
  const isDay = at !== undefined && !at.includes("T");
  const moment = new Date(at === undefined ? ctx.now() : isDay ? Date.parse(at) + dayMs - 1 : Date.parse(at));
  const [row] =
    at === undefined
      ? await ctx.sql<BalanceRow>`
          SELECT currency, credits_minor - debits_minor AS balance_minor
          FROM ledger.account WHERE tenant = ${tenant} AND address = ${address}`
      : isDay
        ? await ctx.sql<BalanceRow>`
            SELECT a.currency, CASE
              WHEN a.entry_count = (SELECT coalesce(sum(d.entry_count), 0) FROM ledger.account_day AS d WHERE d.account_id = a.id)
              THEN (SELECT coalesce(sum(d.credits_minor - d.debits_minor), 0)::bigint FROM ledger.account_day AS d WHERE d.account_id = a.id AND d.day <= ${at})
              ELSE ledger.balance_at(a.id, ${moment}) END AS balance_minor
            FROM ledger.account AS a WHERE a.tenant = ${tenant} AND a.address = ${address}`
        : await ctx.sql<BalanceRow>`
            SELECT currency, ledger.balance_at(id, ${moment}) AS balance_minor
            FROM ledger.account WHERE tenant = ${tenant} AND address = ${address}`;
  if (row === undefined) throw ctx.faults.accountNotFound({ account: address });
  return { address, currency: row.currency, balanceMinor: row.balance_minor, at: moment.toISOString() };
};
