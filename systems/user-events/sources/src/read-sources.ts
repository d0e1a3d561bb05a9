import type { Handler } from "@banyan/kernel";
import type { Source, sources } from "./contract.ts";

/** Every source of the tenant. */
export const listSources: Handler<typeof sources.list> = async (ctx) => ({
  sources: await ctx.sql<Source>`
    SELECT id, name, write_key AS "writeKey", is_strict AS "isStrict", events_per_second AS "eventsPerSecond",
      refuses_bots AS "refusesBots", pseudonyms
    FROM sources.source WHERE tenant = ${ctx.identity.tenant} ORDER BY id`,
});

/** Of any tenant: who shows the key is of the tenant whose source it is. */
export const findByWriteKey: Handler<typeof sources.byWriteKey> = async (ctx, { writeKey }) => {
  const [row] = await ctx.sql<Source & { tenant: string }>`
    SELECT tenant, id, name, write_key AS "writeKey", is_strict AS "isStrict", events_per_second AS "eventsPerSecond",
      refuses_bots AS "refusesBots", pseudonyms
    FROM sources.source WHERE write_key = ${writeKey}`;
  if (row === undefined) return { found: null };
  const { tenant, ...source } = row;
  return { found: { tenant, source } };
};

/** One source of the tenant. */
export const findSource: Handler<typeof sources.find> = async (ctx, { id }) => {
  const [source] = await ctx.sql<Source>`
    SELECT id, name, write_key AS "writeKey", is_strict AS "isStrict", events_per_second AS "eventsPerSecond",
      refuses_bots AS "refusesBots", pseudonyms
    FROM sources.source WHERE tenant = ${ctx.identity.tenant} AND id = ${id}`;
  return { source: source ?? null };
};
