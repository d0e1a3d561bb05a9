import type { Handler } from "@banyan/kernel";
import { intake } from "@banyan/user-events-intake/contract";
import { events } from "../contract.ts";
import { lagOf } from "../read-progress.ts";
import { selectPositions } from "../tally-store.ts";

/** A tenth of what may wait before clients are told to come again. */
const defaultAlertAt = 20_000;

/** Says from how many waiting events on `lagHigh` is told. */
export const setLagAlert: Handler<typeof events.alertAtLag> = async (ctx, { alertAt }) => {
  await ctx.sql`
    INSERT INTO events.lag_alert (tenant, alert_at, is_high) VALUES (${ctx.identity.tenant}, ${alertAt}, false)
    ON CONFLICT (tenant) DO UPDATE SET alert_at = excluded.alert_at`;
  return { alertAt };
};

/** Tells once when the lag has risen to the threshold, and once when it has fallen to half of it: between the two nothing is said. */
export const watchLag: Handler<typeof events.watchLag> = async (ctx) => {
  const { tenant } = ctx.identity;
  const positions = await selectPositions(ctx.sql, tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  const { lag } = lagOf(heads, positions);
  const [state] = await ctx.sql<{ alertAt: number; isHigh: boolean }>`
    SELECT alert_at AS "alertAt", is_high AS "isHigh" FROM events.lag_alert WHERE tenant = ${tenant} FOR UPDATE`;
  const { alertAt, isHigh } = state ?? { alertAt: defaultAlertAt, isHigh: false };
  const isHighNow = isHigh ? lag > alertAt / 2 : lag >= alertAt;
  if (isHighNow === isHigh) return;
  await ctx.sql`
    INSERT INTO events.lag_alert (tenant, alert_at, is_high) VALUES (${tenant}, ${alertAt}, ${isHighNow})
    ON CONFLICT (tenant) DO UPDATE SET is_high = excluded.is_high`;
  ctx.emit(isHighNow ? events.lagHigh : events.lagNormal, { lag, alertAt });
};
