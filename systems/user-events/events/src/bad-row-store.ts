import type { Sql } from "@banyan/kernel";
import { isoOf, type RefusedEvent, type UserEvent } from "@banyan/user-events-formats";
import type { BadReason, BadRow } from "./contract.ts";
import type { RunOf } from "./tally-store.ts";

/** What was refused, before it has been tried again. */
export interface NewBadRow {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly stage: BadRow["stage"];
  readonly reason: BadReason;
  readonly detail: string;
  readonly state: "retrying" | "dead";
  /** The event that was read, or what could not be. */
  readonly of: UserEvent | RefusedEvent;
}

/** A bad row with all that a next try needs. */
export interface KeptBadRow {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly source: string;
  readonly eventId: string | null;
  readonly run: string;
  readonly attempts: number;
  readonly event: UserEvent | null;
  readonly raw: string | null;
  readonly format: RefusedEvent["format"] | null;
  readonly receivedAt: number;
}

/** Keeps what was refused, and answers the ids of what was not waiting already under its event id. */
export async function insertBadRows(sql: Sql, tenant: string, bad: readonly NewBadRow[]): Promise<Set<string>> {
  if (bad.length === 0) return new Set();
  const rows = bad.map(({ of, ...rest }) => {
    const { source, eventId, run } = of;
    const kept = "raw" in of ? { raw: of.raw, format: of.format } : { event: of };
    return { ...rest, source, eventId, run, receivedAt: isoOf(of.receivedAt), ...kept };
  });
  const inserted = await sql<{ id: string }>`
    INSERT INTO events.bad_row (tenant, id, partition, "offset", source, event_id, run, stage, reason, detail, event, raw, format,
      received_at, attempts, state)
    SELECT ${tenant}, id, partition, "offset", source, "eventId", run, stage, reason, detail, event, raw, format, "receivedAt", 1, state
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS bad (id uuid, partition smallint, "offset" bigint, source text,
      "eventId" text, run text, stage text, reason text, detail text, event jsonb, raw text, format text, "receivedAt" timestamptz,
      state text)
    ORDER BY source, "eventId"
    ON CONFLICT DO NOTHING RETURNING id`;
  return new Set(inserted.map(({ id }) => id));
}

/** A bad row that was not redriven yet, locked. */
export async function lockBadRow(sql: Sql, tenant: string, id: string): Promise<KeptBadRow | undefined> {
  const [row] = await sql<KeptBadRow>`
    SELECT id, partition, "offset", source, event_id AS "eventId", run, attempts, event, raw, format,
      (extract(epoch FROM received_at) * 1000)::bigint AS "receivedAt"
    FROM events.bad_row WHERE tenant = ${tenant} AND id = ${id} AND state <> 'redriven' FOR UPDATE`;
  return row;
}

/** Notes a try. */
export async function noteTry(
  sql: Sql,
  tenant: string,
  tried: { readonly id: string; readonly state: BadRow["state"]; readonly reason?: string; readonly detail?: string },
): Promise<void> {
  const { id, state, reason = null, detail = null } = tried;
  await sql`
    UPDATE events.bad_row
    SET state = ${state}, attempts = attempts + 1, reason = coalesce(${reason}, reason), detail = coalesce(${detail}, detail)
    WHERE tenant = ${tenant} AND id = ${id}`;
}

/** What bad rows are asked by; null is any. */
export interface BadRowFilter {
  readonly source: string | null;
  readonly reason: string | null;
  readonly state: string | null;
  readonly run: string | null;
  readonly before: string | null;
}

/** Up to `limit` bad rows, newest first. */
export async function selectBadRows(
  sql: Sql,
  tenant: string,
  filter: BadRowFilter & { readonly limit: number },
): Promise<BadRow[]> {
  const { source, reason, state, run, before, limit } = filter;
  const rows = await sql<Omit<BadRow, "receivedAt"> & { receivedAt: Date }>`
    SELECT id, source, event_id AS "eventId", run, stage, reason, detail, coalesce(raw, event::text) AS raw,
      received_at AS "receivedAt", attempts, state
    FROM events.bad_row
    WHERE tenant = ${tenant} AND (${source}::text IS NULL OR source = ${source}) AND (${reason}::text IS NULL OR reason = ${reason})
      AND (${state}::text IS NULL OR state = ${state}) AND (${run}::text IS NULL OR run = ${run})
      AND (${before}::uuid IS NULL OR id < ${before}::uuid)
    ORDER BY id DESC LIMIT ${limit}`;
  return rows.map((row) => ({ ...row, receivedAt: row.receivedAt.toISOString() }));
}

/** How many bad rows of a run there are for each reason. */
export async function countReasons(sql: Sql, { tenant, source, run }: RunOf): Promise<Record<string, number>> {
  const rows = await sql<{ reason: string; count: number }>`
    SELECT reason, count(*) AS count FROM events.bad_row
    WHERE tenant = ${tenant} AND source = ${source} AND run = ${run} AND state <> 'redriven' GROUP BY reason ORDER BY reason`;
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
}
