import type { Handler } from "@banyan/kernel";
import type { events } from "./contract.ts";

/** Ten years: whoever wants less says so in the database of the day that this becomes too much. */
const keptDays = 3_650;

/** Makes the partitions of the next days before they are needed, and drops those that are over. */
export const keepDays: Handler<typeof events.keepDays> = async (ctx) => {
  const today = new Date(ctx.now()).toISOString().slice(0, 10);
  await ctx.sql`SELECT events.keep_days(${today}::date, ${keptDays})`;
};
