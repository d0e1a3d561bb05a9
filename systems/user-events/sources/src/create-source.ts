import { randomBytes } from "node:crypto";
import type { Handler } from "@banyan/kernel";
import type { sources } from "./contract.ts";
import { ensurePseudonymKey } from "./pseudonym-keys.ts";

/** 128 bits: nobody guesses whose source a page is. */
const keyBytes = 16;

/** Stores a source with a write key of its own. */
export const createSource: Handler<typeof sources.create> = async (
  ctx,
  { id, name = id, isStrict, eventsPerSecond, refusesBots, pseudonyms },
) => {
  const writeKey = randomBytes(keyBytes).toString("hex");
  const created = await ctx.sql`
    INSERT INTO sources.source (tenant, id, name, write_key, is_strict, events_per_second, refuses_bots, pseudonyms)
    VALUES (${ctx.identity.tenant}, ${id}, ${name}, ${writeKey}, ${isStrict}, ${eventsPerSecond}, ${refusesBots}, ${pseudonyms})
    ON CONFLICT DO NOTHING RETURNING id`;
  if (created.length === 0) throw ctx.faults.sourceExists({ id });
  if (pseudonyms.length > 0) await ensurePseudonymKey(ctx.sql, ctx.identity.tenant);
  ctx.invalidate(`source ${id}`, "schemas", "pseudonyms");
  return { id, name, writeKey, isStrict, eventsPerSecond, refusesBots, pseudonyms };
};
