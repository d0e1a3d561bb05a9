import type { Sql } from "@banyan/kernel";
import { isBeyond } from "./crossing.ts";
import type { Monitor } from "./schemas.ts";

/** A row of ledger.monitor_now. */
export interface MonitorRow {
  readonly id: string;
  readonly reference: string;
  readonly account_id: number;
  readonly account: string;
  readonly currency: string;
  readonly direction: Monitor["direction"];
  readonly threshold_minor: number;
  readonly balance_minor: number;
  readonly created_at: Date;
}

export function monitorOf(row: MonitorRow): Monitor {
  const { direction, threshold_minor: thresholdMinor, balance_minor: balanceMinor } = row;
  return {
    id: row.id,
    reference: row.reference,
    account: row.account,
    currency: row.currency,
    direction,
    thresholdMinor,
    balanceMinor,
    isBeyond: isBeyond({ direction, thresholdMinor }, balanceMinor),
    createdAt: row.created_at.toISOString(),
  };
}

/** Has postings see the account's monitors as they are now. The account is locked. */
export async function repeatMonitors(sql: Sql, accountId: number): Promise<void> {
  await sql`SELECT ledger.repeat_monitors(${accountId})`;
}
