import type { Handler } from "@banyan/kernel";
import { webhooks } from "../contract.ts";
import type { Uses } from "../uses.ts";
import { paymentNewsOf } from "./payment-news.ts";
import { verifyNotice } from "./provider.ts";

/** Believes nothing before the signature was checked. Says of each notice once that it came, and passes on once what it says of a payment. */
export const receive: Handler<typeof webhooks.receive, Uses> = async (ctx, given) => {
  const { provider: name, payload } = given;
  const provider = ctx.uses.providers.get(name);
  if (provider === undefined) throw ctx.faults.unknownProvider({ provider: name });
  const verdict = verifyNotice(provider, given, ctx.now());
  if ("refused" in verdict) throw ctx.faults.badSignature({ resultCode: 98, reason: verdict.refused });
  if (verdict.notice === null) throw ctx.faults.malformedNotice({ provider: name });
  const { eventId, type, subject, occurredAt, data } = verdict.notice;
  const { tenant } = ctx.identity;
  const isNew = await ctx.sql`
    INSERT INTO webhooks.notice (provider, event_id, tenant, type, subject, occurred_at, received_at, payload)
    VALUES (${name}, ${eventId}, ${tenant}, ${type}, ${subject}, ${new Date(occurredAt)}, ${new Date(ctx.now())}, ${payload})
    ON CONFLICT DO NOTHING RETURNING event_id`;
  if (isNew.length === 0) return { resultCode: 0, eventId, duplicate: true };
  const isNewest = await ctx.sql`
    INSERT INTO webhooks.subject AS known (provider, subject, tenant, newest_at)
    VALUES (${name}, ${subject}, ${tenant}, ${new Date(occurredAt)})
    ON CONFLICT (provider, subject, tenant) DO UPDATE SET newest_at = excluded.newest_at
      WHERE known.newest_at <= excluded.newest_at
    RETURNING subject`;
  const late = isNewest.length === 0;
  ctx.emit(webhooks.received, { provider: name, eventId, type, subject, occurredAt, late, data });
  const news = paymentNewsOf(provider.scheme, verdict.notice);
  if (news !== null) {
    const { outcome, reference } = news;
    ctx.enqueue(webhooks.tellPayments, { provider: name, eventId, type: outcome, reference });
  }
  return { resultCode: 0, eventId, duplicate: false };
};
