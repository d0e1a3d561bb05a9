import type { Handler } from "@banyan/kernel";
import type { sources } from "./contract.ts";
import { type StoredSchema, selectNewest, selectSchema } from "./schema-store.ts";

/** One version of a schema. */
export const readSchema: Handler<typeof sources.schema> = async (ctx, wanted) => {
  const found = await selectSchema(ctx.sql, { tenant: ctx.identity.tenant, ...wanted });
  if (!found) throw ctx.faults.unknownSchema({ schema: nameOf(wanted) });
  return found;
};

/** The names and versions of all that are registered. */
export const listSchemas: Handler<typeof sources.schemas> = async (ctx) => ({
  schemas: await ctx.sql<Omit<StoredSchema, "definition">>`
    SELECT vendor, name, concat_ws('-', model, revision, addition) AS version
    FROM sources.schema WHERE tenant = ${ctx.identity.tenant} ORDER BY vendor, name, model, revision, addition`,
});

/** Which schema an event is held against. */
export const findSchemaOf: Handler<typeof sources.schemaOf> = async (ctx, { source, name, schema }) => {
  const { tenant } = ctx.identity;
  if (schema !== null) {
    const [vendor = "", named = "", version = ""] = schema.split("/");
    const found = /^\d{1,4}-\d{1,4}-\d{1,4}$/.test(version)
      ? await selectSchema(ctx.sql, { tenant, vendor, name: named, version })
      : undefined;
    return found ? told(found) : { kind: "missing", schema };
  }
  const implied = { vendor: source, name: schemaNameOf(name) };
  const found = await selectNewest(ctx.sql, { tenant, ...implied });
  if (found) return told(found);
  const [strict] = await ctx.sql`
    SELECT 1 FROM sources.source WHERE tenant = ${tenant} AND id = ${source} AND is_strict`;
  return strict ? { kind: "missing", schema: `${implied.vendor}/${implied.name}` } : { kind: "free" };
};

function told(found: StoredSchema) {
  return { kind: "schema" as const, schema: nameOf(found), definition: JSON.stringify(found.definition) };
}

function nameOf({ vendor, name, version }: Omit<StoredSchema, "definition">): string {
  return `${vendor}/${name}/${version}`;
}

/** "Order Completed" -> "order_completed" */
function schemaNameOf(eventName: string): string {
  return eventName.toLowerCase().replace(/[^a-z0-9]+/g, "_");
}
