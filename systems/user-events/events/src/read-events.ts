import type { Handler } from "@banyan/kernel";
import { instantOf } from "@banyan/user-events-formats";
import { selectBadRows } from "./bad-row-store.ts";
import type { events, StoredEvent } from "./contract.ts";
import { type Cursor, type EventFilter, selectEvents } from "./event-store.ts";

type Context = Parameters<Handler<typeof events.list>>[0];
interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Events of one type, in the order in which they happened. */
export const listEvents: Handler<typeof events.list> = (ctx, { type, name = null, source = null, from, to, ...page }) =>
  pageOf(ctx, { type, name, source, userId: null, from: instantOf(from) ?? null, to: instantOf(to) ?? null }, page);

/** All events of one user, in the order in which they happened. */
export const listMessages: Handler<typeof events.messages> = (ctx, { userId, ...page }) =>
  pageOf(ctx, { type: null, name: null, source: null, userId, from: null, to: null }, page);

/** One more than asked for tells whether another page follows. */
async function pageOf(ctx: Context, filter: EventFilter, { after, limit }: Page) {
  const cursor = after === undefined ? null : cursorOf(after);
  if (cursor === undefined) throw ctx.faults.malformedCursor();
  const found = await selectEvents(ctx.sql, ctx.identity.tenant, { filter, after: cursor, limit: limit + 1 });
  const page = found.slice(0, limit);
  return { events: page, next: found.length > limit ? textOf(page.at(-1) as StoredEvent) : null };
}

function textOf({ occurredAt, partition, offset }: StoredEvent): string {
  return `${occurredAt}.${partition}.${offset}`;
}

function cursorOf(text: string): Cursor | undefined {
  const [, occurredAt, partition, offset] = /^(\d{1,13})\.(\d{1,4})\.(\d{1,15})$/.exec(text) ?? [];
  if (offset === undefined) return undefined;
  return { occurredAt: Number(occurredAt), partition: Number(partition), offset: Number(offset) };
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
