import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { type MonitorRow, monitorOf, repeatMonitors } from "./monitor.ts";

export const removeMonitor: Handler<typeof ledger.removeMonitor> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  // Locks the account, too: postings in flight are waited for.
  const [row] = await ctx.sql<MonitorRow>`
    SELECT * FROM ledger.monitor_now WHERE id = ${id} AND tenant = ${tenant} FOR NO KEY UPDATE`;
  if (row === undefined) throw ctx.faults.monitorNotFound({ monitor: id });
  await Promise.all([
    ctx.sql`DELETE FROM ledger.monitor WHERE id = ${id} AND tenant = ${tenant}`,
    repeatMonitors(ctx.sql, row.account_id),
  ]);
  const monitor = monitorOf(row);
  ctx.emit(ledger.monitorRemoved, monitor);
  return monitor;
};
