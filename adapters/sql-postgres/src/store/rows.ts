import type { CommandKey, CommandRecord, StoredEvent } from "@banyan/kernel/store";
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
