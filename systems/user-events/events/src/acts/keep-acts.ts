import type { Handler } from "@banyan/kernel";
import type { events } from "../contract.ts";
import { keepDays } from "../event-store.ts";
import { deleteActsBefore } from "./act-store.ts";

const dayMs = 86_400_000;

/** Acts go when their events do. */
export const keepActs: Handler<typeof events.keepActs> = (ctx) =>
  deleteActsBefore(ctx.sql, ctx.now() - keepDays * dayMs);
