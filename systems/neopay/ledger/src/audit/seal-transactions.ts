import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";

/** About a quarter of a second of hashing; what is left is the next run's. */
const seqsMax = 10_000;

/** Seals for all tenants: numbers are drawn from one sequence, so that one look at it tells for each what is decided. */
export const sealTransactions: Handler<typeof ledger.seal> = async (ctx) => {
  const [row] = await ctx.sql<{ covered: number | null }>`
    SELECT ledger.seal(${new Date(ctx.now())}, ${seqsMax}) AS covered`;
  if (row?.covered === seqsMax) ctx.enqueue(ledger.seal, {}, { dedupeKey: "more" });
};
