import { type Handler, pageOf } from "@banyan/kernel";
import { events } from "@banyan/user-events-events/contract";
import type { destinations } from "./contract.ts";
import { selectLines } from "./file-store.ts";
import { type DeadLetter, type Definition, GivenFilter, type Place } from "./schemas.ts";
import { type DueReader, selectDelivered, selectReaders } from "./store.ts";
import type { Uses } from "./uses.ts";

interface DestinationRow {
  readonly id: string;
  readonly definition: Definition;
  readonly isPaused: boolean;
  readonly failures: number;
  readonly lastError: string | null;
  readonly deadLetters: number;
}

/** Every destination of the tenant. */
export const listDestinations: Handler<typeof destinations.list, Uses> = async (ctx) => {
  const rows = await ctx.sql<DestinationRow>`
    SELECT id, definition, is_paused AS "isPaused", failures, last_error AS "lastError", (SELECT count(*) FROM destinations.dead_letter AS letter
      WHERE letter.tenant = destination.tenant AND letter.destination = destination.id) AS "deadLetters"
    FROM destinations.destination WHERE tenant = ${ctx.identity.tenant} ORDER BY id`;
  return { destinations: rows.map(({ definition, ...row }) => ({ ...row, ...definition })) };
};

/** What a destination did not take. */
export const listDeadLetters: Handler<typeof destinations.deadLetters, Uses> = async (ctx, { id, after, limit }) => {
  const [at, partition, number] = after?.split(".").map(Number) ?? [];
  const letters = await ctx.sql<Omit<DeadLetter, "at"> & { at: Date }>`
    SELECT partition, number, source, event_id AS "eventId", error, attempts, at
    FROM destinations.dead_letter
    WHERE tenant = ${ctx.identity.tenant} AND destination = ${id}
      AND (${at === undefined} OR (at, partition, number) < (${new Date(at ?? 0)}::timestamptz, ${partition ?? 0}, ${number ?? 0}::bigint))
    ORDER BY at DESC, partition DESC, number DESC LIMIT ${limit + 1}`;
  const { page, next } = pageOf(letters, limit, (last) => `${last.at.getTime()}.${last.partition}.${last.number}`);
  return { deadLetters: page.map((letter) => ({ ...letter, at: letter.at.toISOString() })), next };
};

/** Lines that are noted, then the main reader while it is behind, else a replay. Partitions that a reader has not met begin at their beginning. */
export const readPlan: Handler<typeof destinations.plan, Uses> = async (ctx, { id }) => {
  const [at, now] = [{ tenant: ctx.identity.tenant, id }, new Date(ctx.now())];
  const lines = await selectLines(ctx.sql, at, now);
  if (lines.length > 0) return { plan: null, lines };
  const readers = await selectReaders(ctx.sql, at, now);
  const { partitions } = await ctx.call(events.storedHeads, {});
  const heads = partitions.map(({ partition, count }) => ({ partition, number: count }));
  const reader = readers.find(({ until, places }) => until !== null || isBehind(places, heads));
  if (reader === undefined) return { plan: null, lines };
  const { id: name, filter, ...rest } = reader;
  return {
    plan: {
      ...rest,
      reader: name,
      places: met(reader, heads),
      filters: [GivenFilter.parse(filter), reader.definition.filter],
    },
    lines,
  };
};

function isBehind(places: readonly Place[], heads: readonly Place[]): boolean {
  return heads.some(
    ({ partition, number }) => number > (places.find((place) => place.partition === partition)?.number ?? 0),
  );
}

function met({ places }: DueReader, heads: readonly Place[]): Place[] {
  const isMet = ({ partition }: Place) => places.some((place) => place.partition === partition);
  return [...places, ...heads.filter((head) => !isMet(head)).map(({ partition }) => ({ partition, number: 0 }))];
}

/** Which of the places the destination has. */
export const readDelivered: Handler<typeof destinations.delivered, Uses> = async (ctx, { id, places }) => ({
  places: await selectDelivered(ctx.sql, { tenant: ctx.identity.tenant, id }, places),
});
