import type { Handler } from "@banyan/kernel";
import { intake } from "@banyan/user-events-intake/contract";
import { events } from "../contract.ts";
import { lagOf } from "../read-progress.ts";
import { selectPositions } from "../tally-store.ts";
import { insertAlertAt, insertIsHigh, selectAlert, selectAlerts } from "./lag-store.ts";

/** A tenth of what may wait before clients are told to come again. */
const defaultAlertAt = 20_000;

/** Says from how many waiting events on `lagHigh` is told. */
export const setLagAlert: Handler<typeof events.alertAtLag> = async (ctx, { alertAt }) => {
  await insertAlertAt(ctx.sql, ctx.identity.tenant, alertAt);
  return { alertAt };
};

/** Looks at all tenants at once, and has told those whose lag has turned. What is consumed is read before what was appended. */
export const watchLag: Handler<typeof events.watchLag> = async (ctx) => {
  const alerts = new Map((await selectAlerts(ctx.sql)).map((one) => [one.tenant, one]));
  const { tenants } = await ctx.call(intake.appended, {});
  for (const { tenant, appended } of tenants) {
    const { consumed, alertAt, isHigh } = alerts.get(tenant) ?? { consumed: 0, alertAt: null, isHigh: null };
    const turned = hasTurned(appended - consumed, { alertAt: alertAt ?? defaultAlertAt, isHigh: isHigh ?? false });
    if (turned) ctx.enqueue(events.tellLag, {}, { tenant, dedupeKey: "lag" });
  }
};

/** Tells a tenant, unless its lag has turned back meanwhile. */
export const tellLag: Handler<typeof events.tellLag> = async (ctx) => {
  const { tenant } = ctx.identity;
  const positions = await selectPositions(ctx.sql, tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  const { lag } = lagOf(heads, positions);
  const { alertAt, isHigh } = (await selectAlert(ctx.sql, tenant)) ?? { alertAt: defaultAlertAt, isHigh: false };
  if (!hasTurned(lag, { alertAt, isHigh })) return;
  await insertIsHigh(ctx.sql, tenant, { alertAt, isHigh: !isHigh });
  ctx.emit(isHigh ? events.lagNormal : events.lagHigh, { lag, alertAt });
};

/** Whether a lag has risen to the threshold, or fallen to half of it: between the two it is what it was. */
function hasTurned(lag: number, { alertAt, isHigh }: { readonly alertAt: number; readonly isHigh: boolean }): boolean {
  return isHigh ? lag <= alertAt / 2 : lag >= alertAt;
}
