import type { Handler } from "@banyan/kernel";
import { keepDays } from "@banyan/user-events-events/contract";
import type { destinations } from "./contract.ts";
import { deleteBefore } from "./store.ts";
import type { Uses } from "./uses.ts";

const dayMs = 86_400_000;

/** What is known of events goes when they do. */
export const keep: Handler<typeof destinations.keep, Uses> = (ctx) =>
  deleteBefore(ctx.sql, ctx.now() - keepDays * dayMs);
