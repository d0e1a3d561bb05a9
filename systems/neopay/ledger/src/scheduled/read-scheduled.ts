import { type Handler, pageOf } from "@banyan/kernel";
import type { ledger } from "../contract.ts";
import { type ScheduledRow, scheduledOf } from "./scheduled.ts";

export const readScheduled: Handler<typeof ledger.scheduledTransaction> = async (ctx, { id }) => {
  const [row] = await ctx.sql<ScheduledRow>`
    SELECT * FROM ledger.scheduled WHERE id = ${id} AND tenant = ${ctx.identity.tenant}`;
  if (row === undefined) throw ctx.faults.scheduledNotFound({ scheduled: id });
  return scheduledOf(row);
};

export const listScheduled: Handler<typeof ledger.scheduledTransactions> = async (ctx, { status, after, limit }) => {
  const { tenant } = ctx.identity;
  // Apart, so that each is a range of an index.
  const rows =
    status === undefined
      ? await ctx.sql<ScheduledRow>`
          SELECT * FROM ledger.scheduled WHERE tenant = ${tenant} AND id > ${after} ORDER BY id LIMIT ${limit + 1}`
      : await ctx.sql<ScheduledRow>`
          SELECT * FROM ledger.scheduled WHERE tenant = ${tenant} AND status = ${status} AND id > ${after}
          ORDER BY id LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ id }) => id);
  return { scheduled: page.map(scheduledOf), next };
};
