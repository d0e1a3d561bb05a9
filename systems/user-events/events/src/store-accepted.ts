import type { EventsHandler, Received } from "@banyan/kernel";
import type { intake } from "@banyan/user-events-intake/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { insertActs } from "./acts/act-store.ts";
import { insertBadRows, type NewBadRow } from "./bad-row-store.ts";
import { events } from "./contract.ts";
import { eventDocuments, type PlacedEvent, placeOf, storeEvents } from "./event-store.ts";
import { judgeAll } from "./judge.ts";
import { learnIdentities } from "./people/identity-store.ts";
import { addConsumed, addTally, type Counted, type Outcome } from "./tally-store.ts";

type Message = Received<typeof intake.accepted>;
type Context = Parameters<EventsHandler<typeof intake.accepted, typeof events>>[0];

const firstRetryMs = 200;

/**
 * Stores what came by the log: good events once, all others as bad rows, with the position of each partition in the same
 * transaction. It throws for no event's sake, so that none holds up its partition.
 */
export const storeAccepted: EventsHandler<typeof intake.accepted, typeof events> = async (ctx, messages) => {
  const { tenant } = ctx.identity;
  const placed = messages.flatMap(({ partition, offset, events: all }) =>
    all.map((event, index) => ({ event, partition, offset: offset + index })),
  );
  const verdicts = await judgeAll(
    (wanted) => ctx.call(sources.schemaOf, wanted),
    placed.map(({ event }) => event),
  );
  const good: PlacedEvent[] = [];
  const bad: NewBadRow[] = messages.flatMap((message) => refusedOf(ctx, message));
  for (const [index, { schema, bad: wrong }] of verdicts.entries()) {
    const { event, partition, offset } = placed[index] as (typeof placed)[number];
    if (wrong === null) good.push({ event, partition, offset, schema });
    else {
      const state = wrong.reason === "unknownSchema" ? "retrying" : "dead";
      bad.push({ id: ctx.newId(), partition, offset, stage: "validate", ...wrong, state, of: event });
    }
  }
  const stored = await storeEvents(ctx.documents(eventDocuments), good);
  const kept = await insertBadRows(ctx.sql, tenant, bad);
  for (const { id, state } of bad) {
    if (state === "retrying" && kept.has(id)) ctx.enqueue(events.retry, { id }, { delayMs: firstRetryMs });
  }
  const fresh = good.filter((one) => stored.has(placeOf(one)));
  await Promise.all([
    insertActs(ctx.sql, tenant, fresh),
    learnIdentities(ctx.sql, tenant, fresh),
    addTally(
      ctx.sql,
      tenant,
      tallyOf([
        ...good.map((one) => counted(one.event, one, stored.has(placeOf(one)) ? "stored" : "duplicate")),
        ...bad.map((one) => counted(one.of, one, kept.has(one.id) ? "bad" : "duplicate")),
      ]),
    ),
    addConsumed(ctx.sql, tenant, consumedOf(messages)),
  ]);
};

function refusedOf(ctx: Context, { partition, offset, events: all, refused }: Message): NewBadRow[] {
  return refused.map((one, index) => {
    const { reason, detail } = one;
    const place = { partition, offset: offset + all.length + index };
    return { id: ctx.newId(), ...place, stage: "collect", reason, detail, state: "dead", of: one };
  });
}

/** One count for all that are alike. */
function tallyOf(all: readonly Counted[]): Counted[] {
  const alike = Map.groupBy(
    all,
    ({ source, run, outcome, partition }) => `${source}\0${run}\0${outcome}\0${partition}`,
  );
  return [...alike.values()].map((same) => ({ ...(same[0] as Counted), count: same.length }));
}

function counted(
  { source, run }: { readonly source: string; readonly run: string },
  { partition }: { readonly partition: number },
  outcome: Outcome,
): Counted {
  return { source, run, outcome, partition, count: 1 };
}

function consumedOf(messages: readonly Message[]): Map<number, number> {
  const consumed = new Map<number, number>();
  for (const { partition, events: all, refused } of messages) {
    consumed.set(partition, (consumed.get(partition) ?? 0) + all.length + refused.length);
  }
  return consumed;
}
