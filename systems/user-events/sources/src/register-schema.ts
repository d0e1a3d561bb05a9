import type { Handler } from "@banyan/kernel";
import { type Incompatibility, unreadable } from "@banyan/kernel/versions";
import { compileSchema } from "@banyan/user-events-formats";
import type { sources } from "./contract.ts";
import { compareVersions, selectNewest, selectSchema, versionOf } from "./schema-store.ts";

type Definition = Record<string, unknown>;

const reasonCharsMax = 300;

/**
 * Registers a version. Within a model each must take what the newest before it takes, so that no event that was good turns bad by an
 * upgrade; a new model begins afresh.
 */
export const registerSchema: Handler<typeof sources.registerSchema> = async (ctx, schema) => {
  const { vendor, name, version, definition } = schema;
  const { tenant } = ctx.identity;
  const reason = await wrongIn(definition);
  if (reason !== undefined) throw ctx.faults.invalidSchema({ reason });
  // One at a time of a name, so that two versions cannot miss each other.
  await ctx.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`${tenant} ${vendor}/${name}`}, 0))`;
  const same = await selectSchema(ctx.sql, { tenant, vendor, name, version });
  if (same !== undefined && JSON.stringify(same.definition) === JSON.stringify(definition)) {
    return { vendor, name, version };
  }
  const [model, revision, addition] = versionOf(version);
  const before = await selectNewest(ctx.sql, { tenant, vendor, name, model });
  if (before !== undefined) {
    if (compareVersions(versionOf(version), versionOf(before.version)) <= 0) {
      throw ctx.faults.versionTaken({ newest: before.version });
    }
    const problems = refusedOf(before.definition, definition);
    if (problems.length > 0) throw ctx.faults.incompatibleSchema({ before: before.version, problems: [...problems] });
  }
  await ctx.sql`
    INSERT INTO sources.schema (tenant, vendor, name, model, revision, addition, definition)
    VALUES (${tenant}, ${vendor}, ${name}, ${model}, ${revision}, ${addition}, ${JSON.stringify(definition)}::json)`;
  ctx.invalidate("schemas");
  return { vendor, name, version };
};

/** What the new version may refuse of what the one before takes. A field that it adds is taken to be new to everybody. */
function refusedOf(before: Definition, after: Definition): readonly Incompatibility[] {
  return unreadable(
    { writer: before, reader: after, objects: "closed", writerIsOpen: true, later: "reader" },
    "properties",
  );
}

/** Compiled once to see whether it can be; references to other documents cannot. */
async function wrongIn(definition: Definition): Promise<string | undefined> {
  try {
    return "$async" in (await compileSchema(definition)) ? "$async is not allowed" : undefined;
  } catch (error) {
    return (error as Error).message.slice(0, reasonCharsMax);
  }
}
