import { join } from "node:path";
import { type Handler, isFault, type Returned } from "@banyan/kernel";
import { events, type StoredEvent } from "@banyan/user-events-events/contract";
import { appendToLog } from "./append-log.ts";
import { destinations } from "./contract.ts";
import { linesOf, writeLines } from "./file-lines.ts";
import { matches } from "./matches.ts";
import type { DayLines, FileLines, Note, Place, Plan } from "./schemas.ts";
import { type Sent, sendWebhooks, sentAll } from "./send-webhooks.ts";
import type { Uses } from "./uses.ts";

/** A job lets go after so long, well before its lease and deadline. */
const turnMs = 20_000;
/** Between two turns. */
const pauseMs = 1_000;
const pageMax = 25;

type Context = Parameters<Handler<typeof destinations.send, Uses>>[0];
type Numbered = Returned<typeof events.stored>["events"][number];

/**
 * A turn of a destination, each of which brings the next: as its own tenant, which no schedule could be, and also while it is paused, so that
 * whoever resumes it need not know whether a turn is on its way.
 */
export const send: Handler<typeof destinations.send, Uses> = async (ctx, { id }) => {
  await sendPages(ctx, id);
  ctx.enqueue(destinations.send, { id }, { dedupeKey: id, delayMs: pauseMs });
};

/** Sends page after page until there is nothing left, something fails, or the turn is over. */
async function sendPages(ctx: Context, id: string): Promise<void> {
  const turnEnds = ctx.now() + turnMs;
  while (ctx.now() < turnEnds) {
    const { plan, lines } = await ctx.call(destinations.plan, { id });
    if (lines.length > 0) {
      if (await writeNoted(ctx, id, lines)) continue;
      return;
    }
    if (plan === null) return;
    const after = plan.places.map((place) => ({ ...place, until: untilOf(plan, place) }));
    const page = await ctx.call(events.stored, { after, limit: pageMax });
    const note = await sendPage(ctx, { id, plan, page: page.events, turnEnds });
    const { isNoted } = await ctx.call(destinations.note, note, { idempotencyKey: ctx.newId() });
    if (!isNoted || note.failure !== null) return;
  }
}

/** Writes lines whose place is settled. Answers false where they cannot be written now. */
async function writeNoted(ctx: Context, id: string, lines: readonly FileLines[]): Promise<boolean> {
  const written: FileLines[] = [];
  let error: string | null = null;
  try {
    const { folder } = ctx.uses;
    if (folder === undefined) throw new Error("this process writes no files");
    for (const some of lines) {
      await writeLines(join(folder, encodeURIComponent(ctx.identity.tenant), id), some);
      written.push(some);
    }
  } catch (cause) {
    error = reasonOf(cause);
  }
  const places = written.map(({ day, start }) => ({ day, start }));
  await ctx.call(destinations.written, { id, places, error }, { idempotencyKey: ctx.newId() });
  return error === null;
}

function untilOf({ until }: Plan, { partition }: Place): number | null {
  return until === null ? null : (until.find((place) => place.partition === partition)?.number ?? 0);
}

interface Page {
  readonly id: string;
  readonly plan: Plan;
  readonly page: readonly Numbered[];
  readonly turnEnds: number;
}

async function sendPage(ctx: Context, { id, plan, page, turnEnds }: Page): Promise<Note> {
  const { reader, turn, places, filters, until } = plan;
  const placesOf = page.map(({ partition, number }) => ({ partition, number }));
  const had = until === null ? [] : (await ctx.call(destinations.delivered, { id, places: placesOf })).places;
  const isHad = ({ partition, number }: Place) =>
    had.some((one) => one.partition === partition && one.number === number);
  const wanted = page.flatMap((one) =>
    one.event !== null && !isHad(one) && filters.every((filter) => matches(filter, one.event as StoredEvent))
      ? [{ ...one, event: one.event }]
      : [],
  );
  const stored = wanted.map(({ event }) => event);
  const { count, error, files, ...how } = await deliver(ctx, { plan, stored, turnEnds });
  /** The first that did not go: it failed, or the turn was over. */
  const next = wanted[count];
  const passed =
    next === undefined
      ? page
      : page.slice(
          0,
          page.findIndex(({ partition, number }) => partition === next.partition && number === next.number),
        );
  return {
    id,
    reader,
    turn,
    places: places.map(({ partition, number }) => ({
      partition,
      number: passed.findLast((one) => one.partition === partition)?.number ?? number,
    })),
    delivered: wanted.slice(0, count).map(({ partition, number }) => ({ partition, number })),
    files: [...files],
    failure:
      next === undefined || error === null
        ? null
        : {
            partition: next.partition,
            number: next.number,
            source: next.event.source,
            eventId: next.event.eventId,
            error,
            isFinal: how.isFinal,
            isOutage: how.isOutage,
            retryAfterMs: how.retryAfterMs,
          },
    isDone: until !== null && page.length === 0,
  };
}

/** Files get their lines when these are noted. */
type Delivered = Sent & { readonly files: readonly DayLines[] };

async function deliver(
  ctx: Context,
  {
    plan: { definition, secret },
    stored,
    turnEnds,
  }: Pick<Page, "plan" | "turnEnds"> & { readonly stored: readonly StoredEvent[] },
): Promise<Delivered> {
  const all = { ...sentAll, count: stored.length, files: [] };
  if (stored.length === 0) return all;
  const { network, logs } = ctx.uses;
  const { to } = definition;
  if (to.kind === "files") return { ...all, files: linesOf(stored) };
  if (to.kind === "webhook") {
    const { signal } = ctx;
    const given = { url: to.url, secret: Buffer.from(secret, "base64"), events: stored, signal };
    return { ...(await sendWebhooks(network, { ...given, now: () => ctx.now(), until: turnEnds })), files: [] };
  }
  try {
    const log = logs[to.log];
    if (log === undefined) throw new Error(`this process has no log ${to.log}`);
    await appendToLog(log, stored);
    return all;
  } catch (error) {
    // A log that does not take a page is at fault itself, unless it says that it refuses what is in it.
    const isOutage = !isFault(error) || error.kind === "unavailable";
    return { ...all, count: 0, error: reasonOf(error), isOutage };
  }
}

function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return isFault(error) ? message : (code ?? message);
}
