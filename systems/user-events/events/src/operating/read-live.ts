import type { Handler } from "@banyan/kernel";
import type { events } from "../contract.ts";
import { type LivePlace, selectLive, selectLivePlaces } from "./live-store.ts";

/** Of each partition no more than so many acts are looked at, and no bad rows of before so long: who was away longer reads pages. */
const actsMax = 10_000;
const reachMs = 10 * 60_000;
/** Bad rows are found by when they were made, which is before they commit. */
const slackMs = 10 * 60_000;

/** What was stored or refused since the cursor; of what is more than `limit` the newest, with the number of the others. */
export const readLive: Handler<typeof events.live> = async (ctx, { after, limit, source, type, name }) => {
  const { tenant } = ctx.identity;
  const at = ctx.now();
  const places = await selectLivePlaces(ctx.sql, tenant);
  const next = textOf(at, places);
  if (after === undefined) return { events: [], skipped: 0, next };
  const cursor = cursorOf(after);
  if (cursor === undefined) throw ctx.faults.malformedCursor();
  const span = places.map((to) => {
    const { partition } = to;
    const from = cursor.places.find((place) => place.partition === partition) ?? { partition, acts: 0, consumed: 0 };
    return {
      from: { ...from, acts: Math.max(from.acts, to.acts - actsMax) },
      to,
      tooOld: to.acts - actsMax - from.acts,
    };
  });
  const unread = span.reduce((sum, { tooOld }) => sum + Math.max(0, tooOld), 0);
  const filter = { source: source ?? null, type: type ?? null, name: name ?? null };
  const wanted = { span, since: Math.max(cursor.at, at - reachMs) - slackMs, filter, limit };
  const { events: found, matching } = await selectLive(ctx.sql, tenant, wanted);
  return { events: [...found], skipped: matching - found.length + unread, next };
};

/** "1763780000000_0:12:14_3:40:40": a moment, and how far each partition was read. */
function textOf(at: number, places: readonly LivePlace[]): string {
  return [at, ...places.map(({ partition, acts, consumed }) => `${partition}:${acts}:${consumed}`)].join("_");
}

function cursorOf(text: string): { readonly at: number; readonly places: readonly LivePlace[] } | undefined {
  if (!/^\d{1,14}(?:_\d{1,4}:\d{1,15}:\d{1,15})*$/.test(text)) return undefined;
  const [at, ...places] = text.split("_");
  return {
    at: Number(at),
    places: places.map((place) => {
      const [partition, acts, consumed] = place.split(":").map(Number) as [number, number, number];
      return { partition, acts, consumed };
    }),
  };
}
