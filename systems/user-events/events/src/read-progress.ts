import type { Handler } from "@banyan/kernel";
import { intake } from "@banyan/user-events-intake/contract";
import { countReasons } from "./bad-row-store.ts";
import type { events } from "./contract.ts";
import { type Books, selectBooks, selectPositions, selectTally } from "./tally-store.ts";

/** How many events of each partition are stored. */
export const readProgress: Handler<typeof events.progress> = async (ctx) => ({
  partitions: await selectPositions(ctx.sql, ctx.identity.tenant),
});

/** Positions are read before heads, which are then never behind them. */
export const readLag: Handler<typeof events.lag> = async (ctx) => {
  const positions = await selectPositions(ctx.sql, ctx.identity.tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  const partitions = heads.map(({ partition, appended }) => {
    const consumed = positions.find((one) => one.partition === partition)?.consumed ?? 0;
    return { partition, appended, consumed, lag: appended - consumed };
  });
  return { partitions, lag: partitions.reduce((sum, { lag }) => sum + lag, 0) };
};

/** What became of the events of one run. */
export const readTally: Handler<typeof events.tally> = async (ctx, { source, run }) => {
  const of = { tenant: ctx.identity.tenant, source, run };
  const counts = await selectTally(ctx.sql, of);
  return { ...counts, reasons: await countReasons(ctx.sql, of) };
};

/** Holds the counts of the log, of the outcomes and of the tables against each other. */
export const verifyEvents: Handler<typeof events.verify> = async (ctx) => {
  const books = await selectBooks(ctx.sql, ctx.identity.tenant);
  const { partitions: heads } = await ctx.call(intake.heads, {});
  const sum = (of: "stored" | "duplicate" | "bad" | "consumed") =>
    books.partitions.reduce((total, one) => total + one[of], 0);
  const received = heads.reduce((total, { appended }) => total + appended, 0);
  const broken = [...brokenPartitions(books, heads), ...brokenTables(books, sum("stored"), sum("bad"))];
  const inFlight = received - sum("consumed");
  const counts = { stored: sum("stored"), duplicate: sum("duplicate"), bad: sum("bad") };
  return { ok: broken.length === 0, received, ...counts, inFlight, broken };
};

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

function brokenTables({ knownCount, badRowCount }: Books, stored: number, bad: number): string[] {
  return [
    ...(knownCount === stored ? [] : [`${stored} count as stored, ${knownCount} are known`]),
    ...(badRowCount === bad ? [] : [`${bad} count as bad, ${badRowCount} bad rows wait`]),
  ];
}
