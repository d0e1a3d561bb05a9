import type { Sql } from "@banyan/kernel";

/** MODEL-REVISION-ADDITION, in the order in which versions come after each other. */
export type Version = readonly [model: number, revision: number, addition: number];

export interface StoredSchema {
  readonly vendor: string;
  readonly name: string;
  readonly version: string;
  readonly definition: Record<string, unknown>;
}

/** "1-0-2" in numbers. */
export function versionOf(text: string): Version {
  const [model = 0, revision = 0, addition = 0] = text.split("-").map(Number);
  return [model, revision, addition];
}

/** Negative where `one` comes before `other`. */
export function compareVersions(one: Version, other: Version): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

/** The newest version of a schema; of one model where that is given. */
export async function selectNewest(
  sql: Sql,
  { tenant, vendor, name, model = null }: { tenant: string; vendor: string; name: string; model?: number | null },
): Promise<StoredSchema | undefined> {
  const [row] = await sql<StoredSchema>`
    SELECT vendor, name, concat_ws('-', model, revision, addition) AS version, definition
    FROM sources.schema
    WHERE tenant = ${tenant} AND vendor = ${vendor} AND name = ${name} AND (${model}::integer IS NULL OR model = ${model})
    ORDER BY model DESC, revision DESC, addition DESC LIMIT 1`;
  return row;
}

/** One version of a schema. */
export async function selectSchema(
  sql: Sql,
  { tenant, vendor, name, version }: { tenant: string; vendor: string; name: string; version: string },
): Promise<StoredSchema | undefined> {
  const [model, revision, addition] = versionOf(version);
  const [row] = await sql<StoredSchema>`
    SELECT vendor, name, concat_ws('-', model, revision, addition) AS version, definition
    FROM sources.schema
    WHERE tenant = ${tenant} AND vendor = ${vendor} AND name = ${name}
      AND model = ${model} AND revision = ${revision} AND addition = ${addition}`;
  return row;
}
