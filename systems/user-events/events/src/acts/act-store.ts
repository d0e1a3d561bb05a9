import type { Sql } from "@banyan/kernel";
import type { PlacedEvent } from "../event-store.ts";
import type { Act } from "../people/actions.ts";
import type { TimePlace } from "../time-place.ts";

/** Keeps in brief what was stored just now, numbered in its partition in the order given. */
export async function insertActs(sql: Sql, tenant: string, stored: readonly PlacedEvent[]): Promise<void> {
  if (stored.length === 0) return;
  const column = <F extends keyof PlacedEvent["event"]>(field: F) => stored.map(({ event }) => event[field]);
  const counts = new Map<number, number>();
  /** How many of its partition come behind each: so many less than what the partition then has is its number. */
  const behind = stored
    .toReversed()
    .map(({ partition }) => {
      const count = counts.get(partition) ?? 0;
      counts.set(partition, count + 1);
      return count;
    })
    .reverse();
  // Partitions in one order, so that two transactions do not wait crosswise.
  const heads = [...counts].sort(([one], [other]) => one - other);
  // Arrays are unnested in the list of a SELECT: in FROM each would fill a table of its own first.
  await sql`
    WITH head AS (
      INSERT INTO events.act_head AS head (tenant, partition, count)
      SELECT ${tenant}, * FROM unnest(${heads.map(([partition]) => partition)}::smallint[], ${heads.map(([, count]) => count)}::bigint[])
      ON CONFLICT (tenant, partition) DO UPDATE SET count = head.count + excluded.count
      RETURNING partition, count
    )
    INSERT INTO events.act (tenant, partition, number, source, event_id, type, name, user_id, anonymous_id, occurred_at, received_at)
    SELECT ${tenant}, partition, head.count - behind, source, event_id, type, name, user_id, anonymous_id,
      to_timestamp(occurred_at / 1000.0::float8), to_timestamp(received_at / 1000.0::float8)
    FROM (
      SELECT unnest(${stored.map(({ partition }) => partition)}::smallint[]) AS partition, unnest(${behind}::bigint[]) AS behind,
        unnest(${column("source")}::text[]) AS source, unnest(${column("eventId")}::text[]) AS event_id,
        unnest(${column("type")}::text[]) AS type, unnest(${column("name")}::text[]) AS name,
        unnest(${column("userId")}::text[]) AS user_id, unnest(${column("anonymousId")}::text[]) AS anonymous_id,
        unnest(${column("occurredAt")}::bigint[]) AS occurred_at, unnest(${column("receivedAt")}::bigint[]) AS received_at
    ) AS given
    JOIN head USING (partition)`;
}

/** Up to `limit` acts under any of the ids after a place, in the order in which they happened. */
export async function selectActsOf(
  sql: Sql,
  tenant: string,
  { ids, after, limit }: { readonly ids: readonly string[]; readonly after: TimePlace | null; readonly limit: number },
): Promise<{ readonly act: Act; readonly place: TimePlace }[]> {
  const [at, afterPartition, afterNumber] = after ?? [0, 0, 0];
  const acts = await sql<Omit<Act, "occurredAt"> & { occurredAt: Date; partition: number; number: number }>`
    SELECT source, event_id AS "eventId", type, name, user_id AS "userId", anonymous_id AS "anonymousId",
      occurred_at AS "occurredAt", partition, number
    FROM events.act
    WHERE tenant = ${tenant} AND (user_id = ANY (${ids}) OR (user_id IS NULL AND anonymous_id = ANY (${ids})))
      AND (${after === null} OR (occurred_at, partition, number) > (${new Date(at)}::timestamptz, ${afterPartition}, ${afterNumber}::bigint))
    ORDER BY occurred_at, partition, number LIMIT ${limit}`;
  return acts.map(({ occurredAt, partition, number, ...act }) => ({
    act: { ...act, occurredAt: occurredAt.toISOString() },
    place: [occurredAt.getTime(), partition, number],
  }));
}

/** How many acts each partition has had. */
export function selectActHeads(sql: Sql, tenant: string): Promise<{ partition: number; count: number }[]> {
  return sql<{ partition: number; count: number }>`
    SELECT partition, count FROM events.act_head WHERE tenant = ${tenant} ORDER BY partition`;
}

/** Where somebody stands in a partition, and where they end; null for nowhere. */
export interface ActPlace {
  readonly partition: number;
  readonly number: number;
  readonly until: number | null;
}

/** Up to `limit` acts of each partition after a place, by partition and number. */
export function selectActsAfter(
  sql: Sql,
  tenant: string,
  { after, limit }: { readonly after: readonly ActPlace[]; readonly limit: number },
): Promise<{ partition: number; number: number; source: string; eventId: string }[]> {
  return sql<{ partition: number; number: number; source: string; eventId: string }>`
    SELECT act.partition, act.number, source, event_id AS "eventId"
    FROM jsonb_to_recordset(${JSON.stringify(after)}::jsonb) AS place (partition smallint, number bigint, until bigint)
    CROSS JOIN LATERAL (
      SELECT * FROM events.act
      WHERE tenant = ${tenant} AND act.partition = place.partition AND act.number > place.number AND (until IS NULL OR act.number <= until)
      ORDER BY act.number LIMIT ${limit}
    ) AS act
    ORDER BY act.partition, act.number`;
}

/** Takes away acts that were received before an instant (milliseconds since 1970), as their events are. */
export async function deleteActsBefore(sql: Sql, before: number): Promise<void> {
  await sql`DELETE FROM events.act WHERE received_at < ${new Date(before).toISOString()}`;
}
