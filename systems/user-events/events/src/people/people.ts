import { type Handler, pageOf } from "@banyan/kernel";
import { selectActsOf } from "../acts/act-store.ts";
import type { events } from "../contract.ts";
import { eventDocuments } from "../event-store.ts";
import { placeOfText, textOfPlace } from "../time-place.ts";
import { countTraces, eraseIds } from "./erase-store.ts";
import { selectIds } from "./identity-store.ts";

/** Who is behind an id, and by which ids that person goes. */
export const readPerson: Handler<typeof events.person> = (ctx, { id }) => selectIds(ctx.sql, ctx.identity.tenant, id);

/** What a person did under any id, before it was known and after. */
export const readHistory: Handler<typeof events.history> = async (ctx, { id, after, limit }) => {
  const place = after === undefined ? null : placeOfText(after);
  if (place === undefined) throw ctx.faults.malformedCursor();
  const { tenant } = ctx.identity;
  const { ids } = await selectIds(ctx.sql, tenant, id);
  const found = await selectActsOf(ctx.sql, tenant, { ids, after: place, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, (last) => textOfPlace(last.place));
  return { acts: page.map(({ act }) => act), next };
};

/** Deletes a person under every id that leads to them. */
export const erasePerson: Handler<typeof events.erase> = async (ctx, { id }) => {
  const { tenant } = ctx.identity;
  const { ids } = await selectIds(ctx.sql, tenant, id);
  return { ids, erased: await eraseIds(ctx.sql, ctx.documents(eventDocuments), { tenant, ids }) };
};

/** Looks into everything that is kept for what is left of somebody. */
export const findTraces: Handler<typeof events.traces> = async (ctx, { ids }) => {
  const left = await countTraces(ctx.sql, ctx.documents(eventDocuments), { tenant: ctx.identity.tenant, ids });
  return { ok: Object.values(left).every((count) => count === 0), ...left };
};
