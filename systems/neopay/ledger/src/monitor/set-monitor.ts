import { isDeepStrictEqual } from "node:util";
import type { Handler } from "@banyan/kernel";
import type { AccountRow } from "../account/account.ts";
import { ledger } from "../contract.ts";
import { type MonitorRow, monitorOf, repeatMonitors } from "./monitor.ts";

/** They are read with their account by every posting to it. */
const monitorsMax = 20;

export const setMonitor: Handler<typeof ledger.setMonitor> = async (ctx, input) => {
  const { reference, account: address, direction, thresholdMinor } = input;
  const { tenant } = ctx.identity;
  // In order: postings in flight are waited for, and an insert that meets another session's waits for it; then its row can be seen.
  const [[account], [placed], [named]] = await Promise.all([
    ctx.sql<AccountRow>`
      SELECT * FROM ledger.account WHERE tenant = ${tenant} AND address = ${address} FOR NO KEY UPDATE`,
    ctx.sql<{ id: string }>`
      INSERT INTO ledger.monitor (id, tenant, reference, account_id, direction, threshold_minor, created_at)
      SELECT ${ctx.newId()}::uuid, tenant, ${reference}, id, ${direction}, ${thresholdMinor}::bigint, ${new Date(ctx.now())}::timestamptz
      FROM ledger.account WHERE tenant = ${tenant} AND address = ${address}
      ON CONFLICT DO NOTHING RETURNING id`,
    ctx.sql<MonitorRow>`SELECT * FROM ledger.monitor_now WHERE reference = ${reference} AND tenant = ${tenant}`,
  ]);
  if (account === undefined) throw ctx.faults.accountNotFound({ account: address });
  // Whoever had the reference was removed right after the insert met it.
  if (named === undefined) return await setMonitor(ctx, input);
  if (placed === undefined) {
    const sameContent = isDeepStrictEqual(
      [named.account, named.direction, named.threshold_minor],
      [address, direction, thresholdMinor],
    );
    throw ctx.faults.duplicateReference({ reference, existingId: named.id, sameContent });
  }
  if (account.status === "closed") throw ctx.faults.accountClosed({ account: address });
  if ((account.monitors?.length ?? 0) >= monitorsMax)
    throw ctx.faults.tooManyMonitors({ account: address, monitorsMax });
  await repeatMonitors(ctx.sql, account.id);
  const monitor = monitorOf(named);
  ctx.emit(ledger.monitorSet, monitor);
  return monitor;
};
