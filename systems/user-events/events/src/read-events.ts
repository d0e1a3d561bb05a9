import type { Handler } from "@banyan/kernel";
import { instantOf } from "@banyan/user-events-formats";
import { selectBadRows } from "./bad-row-store.ts";
import type { events } from "./contract.ts";
import { type EventDocument, type EventFilter, eventDocuments, toldOf } from "./event-store.ts";

type Context = Parameters<Handler<typeof events.list>>[0];
interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Events of one type, in the order in which they happened. */
export const listEvents: Handler<typeof events.list> = (ctx, { type, name, source, from, to, ...page }) =>
  pageOf(ctx, { where: { type, name, source }, from: instantOf(from), to: instantOf(to) }, page);

/** All events of one user, in the order in which they happened. */
export const listMessages: Handler<typeof events.messages> = (ctx, { userId, ...page }) =>
  pageOf(ctx, { where: { userId } }, page);

/** One more than asked for tells whether another page follows. */
async function pageOf(ctx: Context, filter: EventFilter, { after, limit }: Page) {
  const cursor = after === undefined ? undefined : cursorOf(after);
  if (after !== undefined && cursor === undefined) throw ctx.faults.malformedCursor();
  const found = await ctx.documents(eventDocuments).find({ ...filter, after: cursor, limit: limit + 1 });
  const page = found.slice(0, limit);
  return { events: page.map(toldOf), next: found.length > limit ? textOf(page.at(-1) as EventDocument) : null };
}

function textOf({ occurredAt, partition, offset }: EventDocument): string {
  return `${occurredAt}.${partition}.${offset}`;
}

/** The values of the collection's order. */
function cursorOf(text: string): readonly number[] | undefined {
  return /^(\d{1,13})\.(\d{1,4})\.(\d{1,15})$/.exec(text)?.slice(1).map(Number);
}

/** What was refused, newest first. */
export const listBadRows: Handler<typeof events.badRows> = async (
  ctx,
  { source, reason, state, run, after, limit },
) => {
  const filter = { source: source ?? null, reason: reason ?? null, state: state ?? null, run: run ?? null };
  const before = after ?? null;
  const found = await selectBadRows(ctx.sql, ctx.identity.tenant, { ...filter, before, limit: limit + 1 });
  const badRows = found.slice(0, limit);
  return { badRows, next: found.length > limit ? (badRows.at(-1)?.id ?? null) : null };
};
