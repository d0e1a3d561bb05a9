import type { Sql } from "@banyan/kernel";

/** From how many waiting events on a tenant is told, and whether it was. */
export interface LagAlert {
  readonly alertAt: number;
  readonly isHigh: boolean;
}

export async function insertAlertAt(sql: Sql, tenant: string, alertAt: number): Promise<void> {
  await sql`
    INSERT INTO events.lag_alert (tenant, alert_at, is_high) VALUES (${tenant}, ${alertAt}, false)
    ON CONFLICT (tenant) DO UPDATE SET alert_at = excluded.alert_at`;
}

/** `alertAt` counts where none was set. */
export async function insertIsHigh(sql: Sql, tenant: string, { alertAt, isHigh }: LagAlert): Promise<void> {
  await sql`
    INSERT INTO events.lag_alert (tenant, alert_at, is_high) VALUES (${tenant}, ${alertAt}, ${isHigh})
    ON CONFLICT (tenant) DO UPDATE SET is_high = excluded.is_high`;
}

/** Undefined where nothing was ever set or told. It stays as it is until the transaction ends. */
export async function selectAlert(sql: Sql, tenant: string): Promise<LagAlert | undefined> {
  const [alert] = await sql<LagAlert>`
    SELECT alert_at AS "alertAt", is_high AS "isHigh" FROM events.lag_alert WHERE tenant = ${tenant} FOR UPDATE`;
  return alert;
}

/** What each tenant that has stored anything has consumed, and its alert; null where it has none. */
export function selectAlerts(
  sql: Sql,
): Promise<{ tenant: string; consumed: number; alertAt: number | null; isHigh: boolean | null }[]> {
  return sql<{ tenant: string; consumed: number; alertAt: number | null; isHigh: boolean | null }>`
    SELECT tenant, coalesce(consumed, 0)::bigint AS consumed, alert_at AS "alertAt", is_high AS "isHigh"
    FROM (SELECT tenant, sum(consumed) AS consumed FROM events.position GROUP BY tenant) AS position
    FULL JOIN events.lag_alert USING (tenant)`;
}
