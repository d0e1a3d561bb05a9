import type { Handler, Returned } from "@banyan/kernel";
import { intake } from "@banyan/user-events-intake/contract";
import { countReasons } from "./bad-row-store.ts";
import type { events } from "./contract.ts";
import { eventDocuments } from "./event-store.ts";
import { selectOutcomes } from "./operating/outcome-store.ts";
import { type Books, selectBooks, selectPositions, selectTally } from "./tally-store.ts";

/** How many events of each partition are stored. */
export const readProgress: Handler<typeof events.progress> = async (ctx) => ({
  partitions: await selectPositions(ctx.sql, ctx.identity.tenant),
});

/** Positions are read before heads, which are then never behind them. */
export const readLag: Handler<typeof events.lag> = async (ctx) => {
  const positions = await selectPositions(ctx.sql, ctx.identity.tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  return lagOf(heads, positions);
};

/** How far each partition's position is behind its head, and all together. */
export function lagOf(heads: Heads, positions: readonly Progress[]): Returned<typeof events.lag> {
  const partitions = heads.map(({ partition, appended }) => {
    const consumed = positions.find((one) => one.partition === partition)?.consumed ?? 0;
    return { partition, appended, consumed, lag: appended - consumed };
  });
  return { partitions, lag: partitions.reduce((sum, { lag }) => sum + lag, 0) };
}

/** By the counts alone, which are few: for who asks every few seconds. */
export const readTotals: Handler<typeof events.totals> = async (ctx) => {
  const counts = await selectOutcomes(ctx.sql, ctx.identity.tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  const received = heads.reduce((total, { appended }) => total + appended, 0);
  return { received, ...counts, inFlight: received - counts.stored - counts.duplicate - counts.bad };
};

/** What became of the events of one run. */
export const readTally: Handler<typeof events.tally> = async (ctx, { source, run }) => {
  const of = { tenant: ctx.identity.tenant, source, run };
  const counts = await selectTally(ctx.sql, of);
  return { ...counts, reasons: await countReasons(ctx.sql, of) };
};

/** Holds the counts of the log, of the outcomes, of the tables and of the documents against each other. */
export const verifyEvents: Handler<typeof events.verify> = async (ctx) => {
  const { tenant } = ctx.identity;
  // Documents are counted between two looks into the books, for they may lie elsewhere, and storing goes on.
  const before = await selectBooks(ctx.sql, tenant);
  const known = await ctx.documents(eventDocuments).known();
  const books = await selectBooks(ctx.sql, tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  const sum = (of: "stored" | "duplicate" | "bad" | "consumed") =>
    books.partitions.reduce((total, one) => total + one[of], 0);
  const received = heads.reduce((total, { appended }) => total + appended, 0);
  const inFlight = received - sum("consumed");
  const storedBefore = before.partitions.reduce((total, { stored }) => total + stored, 0);
  const broken = [
    ...brokenPartitions(books, heads),
    ...(books.badRowCount === sum("bad") ? [] : [`${sum("bad")} count as bad, ${books.badRowCount} bad rows wait`]),
    // What is stored and not counted yet is in flight.
    ...(known >= storedBefore && known <= sum("stored") + inFlight
      ? []
      : [`${sum("stored")} count as stored, ${known} documents are known`]),
  ];
  const counts = { stored: sum("stored"), duplicate: sum("duplicate"), bad: sum("bad") };
  return { ok: broken.length === 0, received, ...counts, inFlight, broken };
};

type Progress = Returned<typeof events.progress>["partitions"][number];
type Heads = readonly { readonly partition: number; readonly appended: number }[];

function brokenPartitions({ partitions }: Books, heads: Heads): string[] {
  return partitions.flatMap(({ partition, consumed, stored, duplicate, bad }) => {
    const appended = heads.find((one) => one.partition === partition)?.appended ?? 0;
    const counted = stored + duplicate + bad;
    return [
      ...(counted === consumed
        ? []
        : [`partition ${partition}: ${consumed} were consumed, ${counted} have an outcome`]),
      ...(consumed <= appended ? [] : [`partition ${partition}: ${consumed} were consumed, ${appended} received`]),
    ];
  });
}
