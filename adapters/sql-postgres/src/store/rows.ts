import type { CommandKey, CommandRecord, NewEvent, StoredEvent } from "@banyan/kernel/store";
import type { StatementResult } from "../batch.ts";
import { type Statement, sql } from "../statement.ts";

/** Of the unique index that decides which of two commands with one key took effect. */
export const COMMAND_KEY = "command_pkey";

export function insertCommands(records: readonly CommandRecord[]): Statement {
  const [only] = records;
  if (records.length === 1 && only !== undefined) {
    return sql`INSERT INTO banyan.command (id, body_hash, tenant, actor, action, trace_id, result, fault)
      VALUES (${only.id}, ${only.bodyHash}, ${only.tenant}, ${only.actor}, ${only.action}, ${only.traceId}, ${resultOf(only)}, ${faultOf(only)})`;
  }
  // In the order of the ids, so that two groups with the same keys wait for each other and do not deadlock.
  return sql`INSERT INTO banyan.command (id, body_hash, tenant, actor, action, trace_id, result, fault)
    SELECT * FROM unnest(${records.map((each) => each.id)}::bytea[], ${records.map((each) => each.bodyHash)}::bytea[],
      ${records.map((each) => each.tenant)}::text[], ${records.map((each) => each.actor)}::text[],
      ${records.map((each) => each.action)}::text[], ${records.map((each) => each.traceId)}::text[],
      ${records.map(resultOf)}::text[], ${records.map(faultOf)}::text[]) AS given (id)
    ORDER BY given.id`;
}

export function selectCommands(ids: readonly Uint8Array[]): Statement {
  if (ids.length === 1) {
    return sql`SELECT id, body_hash, tenant, actor, action, trace_id, result, fault FROM banyan.command WHERE id = ${ids[0]}`;
  }
  return sql`SELECT id, body_hash, tenant, actor, action, trace_id, result, fault FROM banyan.command WHERE id = ANY (${ids})`;
}

export function lookUp(keys: readonly CommandKey[]): readonly Statement[] {
  return keys.length === 0 ? [] : [selectCommands(keys.map(({ id }) => id))];
}

export function commandRecords(result: StatementResult | undefined): readonly CommandRecord[] {
  const rows = (result?.rows ?? []) as unknown as readonly CommandRow[];
  return rows.map((row) => ({
    id: row.id,
    bodyHash: row.body_hash,
    tenant: row.tenant,
    actor: row.actor,
    action: row.action,
    traceId: row.trace_id,
    outcome: row.result === null ? { fault: JSON.parse(row.fault as string) } : { result: row.result },
  }));
}

interface CommandRow {
  readonly id: Buffer;
  readonly body_hash: Buffer;
  readonly tenant: string;
  readonly actor: string;
  readonly action: string;
  readonly trace_id: string;
  readonly result: string | null;
  readonly fault: string | null;
}

function resultOf({ outcome }: CommandRecord): string | null {
  return "result" in outcome ? outcome.result : null;
}

function faultOf({ outcome }: CommandRecord): string | null {
  return "fault" in outcome ? JSON.stringify(outcome.fault) : null;
}

/**
 * Versions the events under the locks of their keys, taken in one order everywhere, and puts them into the log and every subscriber's
 * outbox. In thousands of instructions of the server (callgrind, `postgres --single`, parsing of literals included) a row of
 * the handler's and one event take 390 (396 before there were partitions), 99 of them the row. An advisory lock on the key and a look for its last version in an index
 * of the events, in place of the row that is counted up, take 30 more; the outbox 35, also where nobody hears.
 */
export function insertEvents(events: readonly NewEvent[]): Statement {
  const [only] = events;
  if (events.length === 1 && only !== undefined) {
    return sql`WITH counted AS (
        INSERT INTO banyan.stream AS s (tenant, key, version) VALUES (${only.tenant}, ${only.key}, 1)
        ON CONFLICT (tenant, key) DO UPDATE SET version = s.version + 1
        RETURNING version, nextval('banyan.event_seq') AS seq),
      waiting AS (
        INSERT INTO banyan.unsent (service, seq, event)
        SELECT service, seq, ${only.id}::uuid FROM counted, banyan.subscription WHERE type = ${only.type})
      INSERT INTO banyan.event (id, seq, type, tenant, key, version, data, trace_id, metadata)
      SELECT ${only.id}::uuid, seq, ${only.type}, ${only.tenant}, ${only.key}, version, ${only.data}, ${only.traceId}, ${only.metadata}
      FROM counted RETURNING id, version, at`;
  }
  return sql`WITH given AS (
      SELECT * FROM unnest(${events.map((each) => each.id)}::uuid[], ${events.map((each) => each.type)}::text[],
        ${events.map((each) => each.tenant)}::text[], ${events.map((each) => each.key)}::text[],
        ${events.map((each) => each.data)}::text[], ${events.map((each) => each.traceId)}::text[],
        ${events.map((each) => each.metadata)}::text[]) WITH ORDINALITY AS g (id, type, tenant, key, data, trace_id, metadata, place)),
    counted AS (
      INSERT INTO banyan.stream AS s (tenant, key, version)
      SELECT tenant, key, count(*) FROM given GROUP BY tenant, key ORDER BY tenant, key
      ON CONFLICT (tenant, key) DO UPDATE SET version = s.version + excluded.version RETURNING tenant, key, version),
    stored AS (
      INSERT INTO banyan.event (id, type, tenant, key, version, data, trace_id, metadata)
      SELECT g.id, g.type, g.tenant, g.key,
        c.version - count(*) OVER (PARTITION BY g.tenant, g.key) + row_number() OVER (PARTITION BY g.tenant, g.key ORDER BY g.place),
        g.data, g.trace_id, g.metadata
      FROM given g JOIN counted c ON c.tenant = g.tenant AND c.key = g.key ORDER BY g.place
      RETURNING seq, id, type, version, at),
    waiting AS (
      INSERT INTO banyan.unsent (service, seq, event)
      SELECT n.service, s.seq, s.id FROM stored s JOIN banyan.subscription n ON n.type = s.type)
    SELECT id, version, at FROM stored`;
}

/** The events with what the store added, in the order given. */
export function versioned(events: readonly NewEvent[], result: StatementResult | undefined): readonly StoredEvent[] {
  const rows = (result?.rows ?? []) as unknown as ReadonlyArray<Pick<EventRow, "id" | "version" | "at">>;
  const [event, row] = [events[0], rows[0]];
  if (events.length === 1 && event !== undefined && row !== undefined) {
    return [{ ...event, version: row.version, at: row.at.getTime() }];
  }
  const byId = new Map(rows.map((row) => [row.id, row]));
  return events.map((event) => {
    const row = byId.get(event.id.toLowerCase());
    if (row === undefined) throw new Error(`unreachable: event ${event.id} was stored and not returned`);
    return { ...event, version: row.version, at: row.at.getTime() };
  });
}

/** Columns of `banyan.event`, as the statements select them. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  readonly key: string;
  readonly version: number;
  readonly data: string;
  readonly trace_id: string;
  /** JSON. */
  readonly metadata: string;
  readonly at: Date;
}

export function storedEvent(row: EventRow): StoredEvent {
  const { id, type, tenant, key, version, data, trace_id: traceId, at } = row;
  return { id, type, tenant, key, version, data, traceId, metadata: JSON.parse(row.metadata), at: at.getTime() };
}
