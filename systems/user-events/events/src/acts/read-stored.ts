import type { Handler } from "@banyan/kernel";
import type { events } from "../contract.ts";
import { eventDocuments, toldOf } from "../event-store.ts";
import { selectActHeads, selectActsAfter } from "./act-store.ts";

/** How many events each partition has stored. */
export const readStoredHeads: Handler<typeof events.storedHeads> = async (ctx) => ({
  partitions: await selectActHeads(ctx.sql, ctx.identity.tenant),
});

/** Stored events after a place of each partition. */
export const readStored: Handler<typeof events.stored> = async (ctx, { after, limit }) => {
  const acts = await selectActsAfter(ctx.sql, ctx.identity.tenant, { after, limit });
  const documents = ctx.documents(eventDocuments);
  const found = await Promise.all(acts.map(({ source, eventId }) => documents.get(source, eventId)));
  const told = found.map((event) => (event === undefined ? null : toldOf(event)));
  return { events: acts.map(({ partition, number }, at) => ({ partition, number, event: told[at] ?? null })) };
};
