import type { Handler } from "@banyan/kernel";
import type { events } from "../contract.ts";
import { type LivePlace, selectLive, selectLivePlaces } from "./live-store.ts";

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
    const from = cursor.places.find(({ partition }) => partition === to.partition);
    return { from: from ?? { partition: to.partition, acts: 0, consumed: 0 }, to };
  });
  const filter = { source: source ?? null, type: type ?? null, name: name ?? null };
  const wanted = { span, since: cursor.at - slackMs, filter, limit };
  const { events: found, matching } = await selectLive(ctx.sql, tenant, wanted);
  return { events: [...found], skipped: matching - found.length, next };
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
