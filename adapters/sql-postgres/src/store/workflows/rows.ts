import type { Outcome, RunReport, StepRecord, StoredRun } from "@banyan/kernel/workflows";

/** Columns of `banyan.workflow`. */
export interface RunRow {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly tenant: string;
  readonly actor: string;
  readonly permissions: string;
  readonly input: string;
  readonly input_hash: Buffer;
  readonly trace_id: string;
  readonly metadata: string;
  readonly is_child: boolean;
  readonly started_at: Date;
  readonly cancelled_at: Date | null;
  readonly ended_at: Date | null;
  readonly result: string | null;
  readonly fault: string | null;
}

export interface StepRow
  extends Omit<StepRecord, "beganAt" | "endedAt" | "dueAt" | "error" | "topic" | "message" | "outcome"> {
  readonly run: string;
  readonly began_at: Date;
  readonly ended_at: Date | null;
  readonly error: string | null;
  readonly due_at: Date | null;
  readonly topic: Buffer | null;
  readonly message: string | null;
  readonly result: string | null;
  readonly fault: string | null;
}

export interface MessageRow {
  readonly run: string;
  readonly id: string;
  readonly topic: Buffer;
  readonly data: string;
}

export interface ReportRow
  extends Pick<RunRow, "id" | "type" | "version" | "tenant" | "trace_id" | "started_at" | "ended_at" | "fault"> {
  readonly state: RunReport["state"];
  readonly is_cancelled: boolean;
  readonly error: string | null;
  readonly owner: string | null;
  readonly due_at: Date | null;
}

export function storedRun(row: RunRow): Omit<StoredRun, "steps" | "messages"> {
  const { id, type, version, tenant, actor, input, trace_id: traceId, input_hash: inputHash } = row;
  return {
    id,
    type,
    version,
    tenant,
    actor,
    permissions: JSON.parse(row.permissions),
    input,
    inputHash,
    traceId,
    metadata: JSON.parse(row.metadata),
    isChild: row.is_child,
    startedAt: row.started_at.getTime(),
    endedAt: row.ended_at?.getTime(),
    isCancelled: row.cancelled_at !== null,
    outcome: outcomeOf(row),
  };
}

export function storedStep(row: StepRow): StepRecord {
  const { name, kind, digest, place, attempts } = row;
  return {
    name,
    kind,
    digest,
    place,
    beganAt: row.began_at.getTime(),
    endedAt: row.ended_at?.getTime(),
    attempts,
    error: row.error ?? undefined,
    dueAt: row.due_at?.getTime(),
    topic: row.topic ?? undefined,
    message: row.message ?? undefined,
    outcome: outcomeOf(row),
  };
}

export function runReport(row: ReportRow): RunReport {
  const { id, type, version, tenant, state, is_cancelled: isCancelled, trace_id: traceId } = row;
  return {
    id,
    type,
    version,
    tenant,
    state,
    startedAt: row.started_at.getTime(),
    endedAt: row.ended_at?.getTime(),
    isCancelled,
    traceId,
    dueAt: row.due_at?.getTime(),
    owner: row.owner ?? undefined,
    error: row.error ?? undefined,
    fault: row.fault === null ? undefined : JSON.parse(row.fault),
  };
}

export function dateOf(at: number | undefined): Date | null {
  return at === undefined ? null : new Date(at);
}

function outcomeOf({
  result,
  fault,
}: {
  readonly result: string | null;
  readonly fault: string | null;
}): Outcome | undefined {
  if (result !== null) return { result };
  return fault === null ? undefined : { fault: JSON.parse(fault) };
}

export function resultOf(outcome: Outcome | undefined): string | null {
  return outcome !== undefined && "result" in outcome ? outcome.result : null;
}

export function faultOf(outcome: Outcome | undefined): string | null {
  return outcome !== undefined && "fault" in outcome ? JSON.stringify(outcome.fault) : null;
}
