import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";
import { findTransactions } from "./transaction.ts";

export const readTransaction: Handler<typeof ledger.transaction> = async (ctx, { id }) => {
  const [transaction] = await findTransactions(ctx.sql, ctx.identity.tenant, [id]);
  if (transaction === undefined) throw ctx.faults.transactionNotFound({ transaction: id });
  return transaction;
};

export const readTransactionByReference: Handler<typeof ledger.transactionByReference> = async (ctx, { reference }) => {
  const { tenant } = ctx.identity;
  const [named] = await ctx.sql<{ id: string }>`
    SELECT id FROM ledger.transaction WHERE reference = ${reference} AND tenant = ${tenant}`;
  const [transaction] = named === undefined ? [] : await findTransactions(ctx.sql, tenant, [named.id]);
  if (transaction === undefined) throw ctx.faults.transactionNotFound({ transaction: reference });
  return transaction;
};
