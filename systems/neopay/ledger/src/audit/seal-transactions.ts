import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";

/** About a quarter of a second of hashing: what is left waits for the next run. */
const seqsMax = 10_000;

/** Seals of all tenants: numbers are drawn from one sequence, so one look at it tells for each what is decided. */
export const sealTransactions: Handler<typeof ledger.seal> = async (ctx) => {
  await ctx.sql`SELECT ledger.seal(${new Date(ctx.now())}, ${seqsMax})`;
};
