import { randomBytes } from "node:crypto";
import type { Handler } from "@banyan/kernel";
import type { sources } from "./contract.ts";

/** 128 bits: nobody guesses whose source a page is. */
const keyBytes = 16;

/** Stores a source with a write key of its own. */
export const createSource: Handler<typeof sources.create> = async (
  ctx,
  { id, name = id, isStrict, eventsPerSecond },
) => {
  const writeKey = randomBytes(keyBytes).toString("hex");
  const created = await ctx.sql`
    INSERT INTO sources.source (tenant, id, name, write_key, is_strict, events_per_second)
    VALUES (${ctx.identity.tenant}, ${id}, ${name}, ${writeKey}, ${isStrict}, ${eventsPerSecond})
    ON CONFLICT DO NOTHING RETURNING id`;
  if (created.length === 0) throw ctx.faults.sourceExists({ id });
  ctx.invalidate(`source ${id}`, "schemas");
  return { id, name, writeKey, isStrict, eventsPerSecond };
};
