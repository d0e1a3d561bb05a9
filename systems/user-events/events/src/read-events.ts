import { type Handler, pageOf } from "@banyan/kernel";
import { instantOf } from "@banyan/user-events-formats";
import { selectBadRows } from "./bad-row-store.ts";
import type { events } from "./contract.ts";
import { type EventFilter, eventDocuments, toldOf } from "./event-store.ts";
import { placeOfText, textOfPlace } from "./time-place.ts";

type Context = Parameters<Handler<typeof events.list>>[0];
interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Events of one type, in the order in which they happened. */
export const listEvents: Handler<typeof events.list> = (ctx, { type, name, source, from, to, ...page }) =>
  readPage(ctx, { where: { type, name, source }, from: instantOf(from), to: instantOf(to) }, page);

/** All events of one user, in the order in which they happened. */
export const listMessages: Handler<typeof events.messages> = (ctx, { userId, ...page }) =>
  readPage(ctx, { where: { userId } }, page);

async function readPage(ctx: Context, filter: EventFilter, { after, limit }: Page) {
  const place = after === undefined ? undefined : placeOfText(after);
  if (after !== undefined && place === undefined) throw ctx.faults.malformedCursor();
  const found = await ctx.documents(eventDocuments).find({ ...filter, after: place, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, (last) => textOfPlace([last.occurredAt, last.partition, last.offset]));
  return { events: page.map(toldOf), next };
}

/** What was refused, newest first. */
export const listBadRows: Handler<typeof events.badRows> = async (
  ctx,
  { source, reason, state, run, after, limit },
) => {
  const filter = { source: source ?? null, reason: reason ?? null, state: state ?? null, run: run ?? null };
  const before = after ?? null;
  const found = await selectBadRows(ctx.sql, ctx.identity.tenant, { ...filter, before, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, ({ id }) => id);
  return { badRows: page, next };
};
