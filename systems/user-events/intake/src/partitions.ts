import type { Sql } from "@banyan/kernel";
import type { Collected } from "@banyan/user-events-formats";
import { partitionCount } from "./contract.ts";

/** Events that may wait to be stored, over all partitions: some seconds of work, and some 100 MB of log. */
export const backlogMax = 200_000;

/** How far the storing of a partition has come. */
export interface Progress {
  readonly partition: number;
  readonly consumed: number;
}

/** Where an event goes: by its source and who did it, so that what one person does stays in order. */
export function partitionOf(collected: Collected): number {
  if ("refused" in collected) return hash(collected.refused.source) % partitionCount;
  const { source, anonymousId, userId } = collected.event;
  return hash(`${source}\0${anonymousId ?? userId}`) % partitionCount;
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}

/**
 * Takes offsets for `counts` events of each partition and answers where each begins; undefined, with nothing taken, where too many
 * wait already. The rows stay locked until the commit, so that offsets and commits have one order. What is not told of `progress`
 * counts as it was told last.
 */
export async function takeOffsets(
  sql: Sql,
  { tenant, progress }: { readonly tenant: string; readonly progress: readonly Progress[] },
  counts: ReadonlyMap<number, number>,
): Promise<Map<number, number> | undefined> {
  const rows = await sql<{ partition: number; appended: number }>`
    WITH given AS (
      SELECT * FROM unnest(${[...counts.keys()]}::integer[], ${[...counts.values()]}::bigint[]) AS given (partition, count)
    ), known AS (
      SELECT * FROM unnest(${progress.map(({ partition }) => partition)}::integer[],
        ${progress.map(({ consumed }) => consumed)}::bigint[]) AS known (partition, consumed)
    ), waiting AS (
      SELECT coalesce(sum(one.appended - greatest(one.consumed, known.consumed)), 0) AS count
      FROM intake.partition AS one LEFT JOIN known USING (partition) WHERE one.tenant = ${tenant}
    )
    INSERT INTO intake.partition AS one (tenant, partition, appended, consumed)
    SELECT ${tenant}, given.partition, given.count, coalesce(known.consumed, 0)
    FROM given LEFT JOIN known USING (partition) CROSS JOIN waiting
    WHERE waiting.count < ${backlogMax}
    ORDER BY given.partition
    ON CONFLICT (tenant, partition) DO UPDATE
      SET appended = one.appended + excluded.appended, consumed = greatest(one.consumed, excluded.consumed)
    RETURNING partition, appended`;
  if (rows.length < counts.size) return undefined;
  return new Map(rows.map(({ partition, appended }) => [partition, appended - (counts.get(partition) ?? 0)]));
}
