import type { Sql } from "@banyan/kernel";
import { isoOf } from "@banyan/user-events-formats";
import type { LiveEvent } from "../contract.ts";

/** How far somebody has read one partition: acts by their number, what was refused by its offset. */
export interface LivePlace {
  readonly partition: number;
  readonly acts: number;
  readonly consumed: number;
}

/** What live events are asked by; null is any. */
export interface LiveFilter {
  readonly source: string | null;
  readonly type: string | null;
  readonly name: string | null;
}

/** What was stored or refused between two places: the newest `limit` of what is asked for, and how much there is. */
export interface LiveRows {
  readonly events: readonly LiveEvent[];
  readonly matching: number;
}

interface FoundLive {
  readonly events: readonly (Omit<LiveEvent, "receivedAt"> & { readonly receivedAt: number })[];
  readonly matching: number;
}

/** Where every partition ends, as of one moment. */
export function selectLivePlaces(sql: Sql, tenant: string): Promise<LivePlace[]> {
  return sql<LivePlace>`
    SELECT partition, coalesce(count, 0) AS acts, consumed
    FROM events.position LEFT JOIN events.act_head USING (tenant, partition) WHERE tenant = ${tenant} ORDER BY partition`;
}

/** `since` is a moment (milliseconds since 1970) before which nothing is looked for that was refused. */
export async function selectLive(
  sql: Sql,
  tenant: string,
  {
    span,
    since,
    filter: { source, type, name },
    limit,
  }: {
    readonly span: readonly { readonly from: LivePlace; readonly to: LivePlace }[];
    readonly since: number;
    readonly filter: LiveFilter;
    readonly limit: number;
  },
): Promise<LiveRows> {
  const spans = span.map(({ from, to }) => {
    const { partition } = to;
    return { partition, firstAct: from.acts, lastAct: to.acts, firstBad: from.consumed, lastBad: to.consumed };
  });
  const [rows] = await sql<FoundLive>`
    WITH span AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(spans)}::jsonb) AS span (partition smallint, "firstAct" bigint, "lastAct" bigint,
        "firstBad" bigint, "lastBad" bigint)
    ), live AS (
      SELECT 'stored' AS outcome, source, event_id AS "eventId", type, name, user_id AS "userId", anonymous_id AS "anonymousId",
        (extract(epoch FROM received_at) * 1000)::bigint AS "receivedAt", NULL AS reason, NULL AS detail
      FROM span JOIN events.act ON act.partition = span.partition AND number > "firstAct" AND number <= "lastAct"
      WHERE tenant = ${tenant} AND (${source}::text IS NULL OR source = ${source}) AND (${type}::text IS NULL OR type = ${type})
        AND (${name}::text IS NULL OR name = ${name})
      UNION ALL
      SELECT 'bad', source, event_id, NULL, NULL, NULL, NULL, (extract(epoch FROM received_at) * 1000)::bigint, reason, detail
      FROM span JOIN events.bad_row AS bad ON bad.partition = span.partition AND "offset" >= "firstBad" AND "offset" < "lastBad"
      WHERE tenant = ${tenant} AND id >= ${firstIdOf(since)}::uuid AND (${source}::text IS NULL OR source = ${source})
        AND ${type}::text IS NULL AND ${name}::text IS NULL
    ), newest AS (
      SELECT * FROM live ORDER BY "receivedAt" DESC LIMIT ${limit}
    )
    SELECT (SELECT count(*) FROM live) AS matching,
      (SELECT coalesce(jsonb_agg(to_jsonb(newest) ORDER BY "receivedAt"), '[]') FROM newest) AS events`;
  const { events, matching } = rows as FoundLive;
  return { events: events.map((event) => ({ ...event, receivedAt: isoOf(event.receivedAt) })), matching };
}

/** The least UUIDv7 of a moment: bad rows have such ids, which sort by time. */
function firstIdOf(at: number): string {
  const time = Math.max(0, at).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
