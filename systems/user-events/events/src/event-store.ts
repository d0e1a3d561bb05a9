import type { Sql } from "@banyan/kernel";
import type { UserEvent } from "@banyan/user-events-formats";
import type { StoredEvent } from "./contract.ts";

/** An event with its place in the log, and the schema that it fits. */
export interface PlacedEvent {
  readonly event: UserEvent;
  readonly partition: number;
  readonly offset: number;
  readonly schema: string | null;
}

/**
 * Stores the events that are not known yet, and answers the places of those, as "partition:offset". Of several with one id the first
 * counts. All the writing and reading of events is in this file, so that another engine can take its place.
 */
export async function storeEvents(sql: Sql, tenant: string, placed: readonly PlacedEvent[]): Promise<Set<string>> {
  const byId = new Map<string, PlacedEvent>();
  for (const one of placed) {
    const id = `${one.event.source}\0${one.event.eventId}`;
    if (!byId.has(id)) byId.set(id, one);
  }
  if (byId.size === 0) return new Set();
  const rows = [...byId.values()].map(({ event, partition, offset, schema }) => {
    const { run: _, occurredAt, receivedAt, sentAt, ...rest } = event;
    return {
      ...rest,
      partition,
      offset,
      schema,
      occurredAt: iso(occurredAt),
      receivedAt: iso(receivedAt),
      sentAt: iso(sentAt),
    };
  });
  // In the order of the ids, so that two transactions with the same events wait for each other and not crosswise.
  const stored = await sql<{ partition: number; offset: number }>`
    WITH given AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given (partition smallint, "offset" bigint, source text,
        "eventId" text, type text, name text, "userId" text, "anonymousId" text, "occurredAt" timestamptz, "receivedAt" timestamptz,
        "sentAt" timestamptz, schema text, properties jsonb, context jsonb)
    ), fresh AS (
      INSERT INTO events.known (tenant, source, event_id)
      SELECT ${tenant}, source, "eventId" FROM given ORDER BY source, "eventId"
      ON CONFLICT DO NOTHING RETURNING source, event_id
    )
    INSERT INTO events.event (tenant, partition, "offset", source, event_id, type, name, user_id, anonymous_id, occurred_at,
      received_at, sent_at, schema, properties, context)
    SELECT ${tenant}, partition, "offset", given.source, "eventId", type, name, "userId", "anonymousId", "occurredAt", "receivedAt",
      "sentAt", schema, properties, context
    FROM given JOIN fresh ON fresh.source = given.source AND fresh.event_id = given."eventId"
    RETURNING partition, "offset"`;
  return new Set(stored.map(placeOf));
}

/** A place in the log as one text. */
export function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`;
}

/** What pages of events are asked by; null is any. Instants are milliseconds since 1970, `from` inclusive, `to` exclusive. */
export interface EventFilter {
  readonly type: string | null;
  readonly name: string | null;
  readonly source: string | null;
  readonly userId: string | null;
  readonly from: number | null;
  readonly to: number | null;
}

/** The place of an event in what is read: by when it happened, then by its place in the log. */
export interface Cursor {
  readonly occurredAt: number;
  readonly partition: number;
  readonly offset: number;
}

/** Up to `limit` events after the cursor, oldest first. */
export function selectEvents(
  sql: Sql,
  tenant: string,
  { filter, after, limit }: { readonly filter: EventFilter; readonly after: Cursor | null; readonly limit: number },
): Promise<StoredEvent[]> {
  const { type, name, source, userId, from, to } = filter;
  const { occurredAt, partition, offset } = after ?? { occurredAt: null, partition: null, offset: null };
  return sql<StoredEvent>`
    SELECT event_id AS "eventId", source, type, name, user_id AS "userId", anonymous_id AS "anonymousId",
      (extract(epoch FROM occurred_at) * 1000)::bigint AS "occurredAt",
      (extract(epoch FROM received_at) * 1000)::bigint AS "receivedAt",
      (extract(epoch FROM sent_at) * 1000)::bigint AS "sentAt", schema, properties, context, partition, "offset"
    FROM events.event
    WHERE tenant = ${tenant}
      AND (${type}::text IS NULL OR type = ${type}) AND (${name}::text IS NULL OR name = ${name})
      AND (${source}::text IS NULL OR source = ${source}) AND (${userId}::text IS NULL OR user_id = ${userId})
      AND occurred_at >= coalesce(${iso(from)}::timestamptz, '-infinity')
      AND occurred_at < coalesce(${iso(to)}::timestamptz, 'infinity')
      AND (${occurredAt}::bigint IS NULL
        OR (occurred_at, partition, "offset") > (${iso(occurredAt)}::timestamptz, ${partition}::smallint, ${offset}::bigint))
    ORDER BY occurred_at, partition, "offset" LIMIT ${limit}`;
}

function iso(instant: number): string;
function iso(instant: number | null): string | null;
function iso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
