import type { Handler } from "@banyan/kernel";
import { events } from "@banyan/user-events-events/contract";
import { newSecret, printedSecret, resolveTarget, TargetRefused } from "@banyan/webhooks";
import { destinations } from "./contract.ts";
import type { Definition } from "./schemas.ts";
import { insertDestination, insertReplay, noteSent, noteWritten, updatePaused } from "./store.ts";
import type { Uses } from "./uses.ts";

/** It is sent what is stored from now on; what was stored before comes by a replay. */
export const createDestination: Handler<typeof destinations.create, Uses> = async (ctx, { id, ...definition }) => {
  const reason = await unreachable(ctx, definition);
  if (reason !== undefined) throw ctx.faults.unreachable({ reason });
  const { partitions } = await ctx.call(events.storedHeads, {});
  const secret = newSecret();
  const places = partitions.map(({ partition, count }) => ({ partition, number: count }));
  const isCreated = await insertDestination(
    ctx.sql,
    { tenant: ctx.identity.tenant, id },
    { definition, secret, places },
  );
  if (!isCreated) throw ctx.faults.destinationExists({ id });
  ctx.enqueue(destinations.send, { id }, { dedupeKey: id });
  return { id, secret: printedSecret(secret) };
};

async function unreachable(
  ctx: Parameters<typeof createDestination>[0],
  { to }: Definition,
): Promise<string | undefined> {
  const { network, folder, logs } = ctx.uses;
  if (to.kind === "files") return folder === undefined ? "this application writes no files" : undefined;
  if (to.kind === "log") return logs[to.log] === undefined ? `this application has no log ${to.log}` : undefined;
  try {
    await resolveTarget(network, to.url, ctx.signal);
    return undefined;
  } catch (error) {
    if (error instanceof TargetRefused) return error.message;
    throw error;
  }
}

/** Sends nothing more. */
export const pauseDestination: Handler<typeof destinations.pause, Uses> = async (ctx, { id }) => {
  const isThere = await updatePaused(ctx.sql, { tenant: ctx.identity.tenant, id }, true);
  if (!isThere) throw ctx.faults.unknownDestination({ id });
  return { isPaused: true };
};

/** Sends again. */
export const resumeDestination: Handler<typeof destinations.resume, Uses> = async (ctx, { id }) => {
  const isThere = await updatePaused(ctx.sql, { tenant: ctx.identity.tenant, id }, false);
  if (!isThere) throw ctx.faults.unknownDestination({ id });
  // There is a turn already, unless it failed for good.
  ctx.enqueue(destinations.send, { id }, { dedupeKey: id });
  return { isPaused: false };
};

/** A reader of its own goes through what came before. */
export const createReplay: Handler<typeof destinations.replay, Uses> = async (ctx, { id, ...filter }) => {
  const replay = ctx.newId();
  const isCreated = await insertReplay(ctx.sql, { tenant: ctx.identity.tenant, id }, { replay, filter });
  if (!isCreated) throw ctx.faults.unknownDestination({ id });
  return { replay };
};

/** How a page went. */
export const notePage: Handler<typeof destinations.note, Uses> = async (ctx, note) => ({
  isNoted: await noteSent(ctx.sql, { tenant: ctx.identity.tenant, at: new Date(ctx.now()) }, note),
});

/** How the writing of noted lines went. */
export const noteLines: Handler<typeof destinations.written, Uses> = async (ctx, written) => {
  await noteWritten(ctx.sql, { tenant: ctx.identity.tenant, at: new Date(ctx.now()) }, written);
  return {};
};
