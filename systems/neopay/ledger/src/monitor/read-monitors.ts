import { type Handler, pageOf } from "@banyan/kernel";
import type { ledger } from "../contract.ts";
import { type MonitorRow, monitorOf } from "./monitor.ts";

export const readMonitor: Handler<typeof ledger.monitor> = async (ctx, { id }) => {
  const [row] = await ctx.sql<MonitorRow>`
    SELECT * FROM ledger.monitor_now WHERE id = ${id} AND tenant = ${ctx.identity.tenant}`;
  if (row === undefined) throw ctx.faults.monitorNotFound({ monitor: id });
  return monitorOf(row);
};

export const listMonitors: Handler<typeof ledger.monitors> = async (ctx, { account, after, limit }) => {
  const { tenant } = ctx.identity;
  // Apart, so that each is a range of an index.
  const rows =
    account === undefined
      ? await ctx.sql<MonitorRow>`
          SELECT * FROM ledger.monitor_now WHERE tenant = ${tenant} AND id > ${after} ORDER BY id LIMIT ${limit + 1}`
      : await ctx.sql<MonitorRow>`
          SELECT * FROM ledger.monitor_now
          WHERE account_id = (SELECT id FROM ledger.account WHERE tenant = ${tenant} AND address = ${account}) AND id > ${after}
          ORDER BY id LIMIT ${limit + 1}`;
  const { page, next } = pageOf(rows, limit, ({ id }) => id);
  return { monitors: page.map(monitorOf), next };
};
