import type { Handler } from "@banyan/kernel";
import { type events, keepDays } from "../contract.ts";
import { deleteActsBefore } from "./act-store.ts";

const dayMs = 86_400_000;

/** Acts go when their events do. */
export const keepActs: Handler<typeof events.keepActs> = (ctx) =>
  deleteActsBefore(ctx.sql, ctx.now() - keepDays * dayMs);
