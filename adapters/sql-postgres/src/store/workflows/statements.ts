import {
  jobTypeOf,
  jobTypesOf,
  type Message,
  type NewRun,
  type RunChange,
  type RunFilter,
  type StepRecord,
} from "@banyan/kernel/workflows";
import { type Statement, sql } from "../../statement.ts";
import { dateOf, faultOf, resultOf } from "./rows.ts";

/** What a run waits for that nothing but a message ends; later than any run, and no infinity, from which nothing can be subtracted. */
const FOR_EVER_MS = 100 * 365.25 * 86_400_000;

export type Started = Extract<RunChange, { do: "start" | "adopt" }>;
export type Going = Exclude<RunChange, Started>;

/** A run that was adopted has its job already. Another is its starter's only where its job is new, too: a transaction may have enqueued it. */
export function insertRuns(changes: readonly Started[]): Statement {
  const runs = changes.map(({ run }) => run);
  const leases = changes.map((one) => (one.do === "start" ? one.lease : undefined));
  const tokens = changes.map((one) => (one.do === "adopt" ? one.claim.token : null));
  return sql`WITH given AS (
      SELECT g.*, j.due_at - j.delay_ms * interval '1 millisecond' AS enqueued_at
      FROM unnest(${runs.map((each) => each.id)}::text[], ${runs.map((each) => each.type)}::text[], ${runs.map((each) => each.version)}::int[],
        ${runs.map((each) => each.tenant)}::text[], ${runs.map((each) => each.actor)}::text[], ${runs.map((each) => JSON.stringify(each.permissions))}::text[],
        ${runs.map((each) => each.input)}::text[], ${runs.map((each) => each.inputHash)}::bytea[], ${runs.map((each) => each.traceId)}::text[],
        ${runs.map((each) => each.metadata)}::text[], ${runs.map((each) => new Date(each.startedAt))}::timestamptz[], ${runs.map((each) => each.isChild)}::bool[],
        ${leases.map((each) => each?.owner ?? null)}::text[], ${leases.map((each) => each?.ms ?? 0)}::float8[], ${tokens}::bigint[], ${runs.map(jobTypeOf)}::text[])
        WITH ORDINALITY
        AS g (id, type, version, tenant, actor, permissions, input, input_hash, trace_id, metadata, started_at, is_child, owner, lease_ms, held_token, job_type, place)
      LEFT JOIN banyan.job j ON j.id = g.id AND j.token = g.held_token
      WHERE g.held_token IS NULL OR j.id IS NOT NULL),
    stored AS (
      INSERT INTO banyan.workflow (id, type, version, tenant, actor, permissions, input, input_hash, trace_id, metadata, started_at, is_child, heard_from)
      SELECT id, type, version, tenant, actor, permissions, input, input_hash, trace_id, metadata, started_at, is_child, coalesce(enqueued_at, clock_timestamp())
      FROM given ORDER BY id, place
      ON CONFLICT DO NOTHING RETURNING id),
    leased AS (
      INSERT INTO banyan.job (id, type, tenant, input, priority, trace_id, metadata, delay_ms, due_at, lease_until, token, attempt, owner)
      SELECT g.id, g.job_type, g.tenant, '', 0, g.trace_id, g.metadata::jsonb, 0, clock_timestamp(), CASE WHEN g.owner IS NOT NULL THEN clock_timestamp() + g.lease_ms * interval '1 millisecond' END,
        (g.owner IS NOT NULL)::int, (g.owner IS NOT NULL)::int, g.owner
      FROM given g JOIN stored s ON s.id = g.id WHERE g.held_token IS NULL
      ON CONFLICT DO NOTHING RETURNING id)
    SELECT id, true AS is_start, 'done' AS verdict FROM leased
    UNION ALL SELECT s.id, true, 'done' FROM stored s JOIN given g ON g.id = s.id WHERE g.held_token IS NOT NULL`;
}

/** The job's row says who holds the run; what it does not say so for is left out, and its verdict with it. */
export function changeRuns(
  changes: readonly Going[],
  steps: readonly { readonly run: string; readonly step: StepRecord }[],
): Statement {
  const outcomes = changes.map((one) => (one.do === "end" ? one.outcome : undefined));
  const knows = changes.map((one) => one.do === "wait" && one.knowsCancelled);
  const dueIn = changes.map((one) => (one.do === "wait" ? Math.min(one.dueInMs, FOR_EVER_MS) : 0));
  const each = steps.map(({ step }) => step);
  return sql`WITH given AS (
      SELECT * FROM unnest(${changes.map(({ claim }) => claim.id)}::text[], ${changes.map(({ claim }) => claim.token)}::bigint[],
        ${changes.map((one) => one.do)}::text[], ${dueIn}::float8[], ${knows}::bool[], ${outcomes.map(resultOf)}::text[], ${outcomes.map(faultOf)}::text[])
        AS g (id, token, what, due_in_ms, knows, result, fault)),
    gone AS (
      DELETE FROM banyan.job j USING given g WHERE g.what = 'end' AND j.id = g.id AND j.token = g.token AND j.dead_at IS NULL RETURNING j.id),
    waiting AS (
      UPDATE banyan.job j SET token = j.token + 1, owner = NULL, lease_until = NULL, is_counted = false, attempt = 0, error = NULL,
        due_at = CASE WHEN w.cancelled_at IS NULL OR g.knows THEN clock_timestamp() + g.due_in_ms * interval '1 millisecond' ELSE clock_timestamp() END
      FROM given g JOIN banyan.workflow w ON w.id = g.id
      WHERE g.what = 'wait' AND j.id = g.id AND j.token = g.token AND j.dead_at IS NULL RETURNING j.id),
    kept AS (
      SELECT j.id FROM banyan.job j JOIN given g ON g.id = j.id WHERE g.what = 'keep' AND j.token = g.token AND j.dead_at IS NULL FOR SHARE OF j),
    held AS MATERIALIZED (SELECT id FROM gone UNION ALL SELECT id FROM waiting UNION ALL SELECT id FROM kept),
    ended AS (
      UPDATE banyan.workflow w SET ended_at = clock_timestamp(), result = g.result, fault = g.fault
      FROM given g JOIN gone ON gone.id = g.id WHERE w.id = g.id AND w.ended_at IS NULL),
    stored AS (
      INSERT INTO banyan.workflow_step AS s (run, name, kind, digest, place, began_at, ended_at, attempts, error, due_at, topic, message, result, fault)
      SELECT g.* FROM unnest(${steps.map(({ run }) => run)}::text[], ${each.map((one) => one.name)}::text[], ${each.map((one) => one.kind)}::text[],
        ${each.map((one) => one.digest)}::bytea[], ${each.map((one) => one.place)}::int[], ${each.map(({ beganAt }) => new Date(beganAt))}::timestamptz[],
        ${each.map(({ endedAt }) => dateOf(endedAt))}::timestamptz[], ${each.map((one) => one.attempts)}::int[], ${each.map((one) => one.error ?? null)}::text[],
        ${each.map(({ dueAt }) => dateOf(dueAt))}::timestamptz[], ${each.map((one) => one.topic ?? null)}::bytea[],
        ${each.map((one) => one.message ?? null)}::text[], ${each.map(({ outcome }) => resultOf(outcome))}::text[],
        ${each.map(({ outcome }) => faultOf(outcome))}::text[])
        AS g (run, name, kind, digest, place, began_at, ended_at, attempts, error, due_at, topic, message, result, fault)
      JOIN held ON held.id = g.run
      ON CONFLICT (run, name) DO UPDATE SET ended_at = excluded.ended_at, attempts = excluded.attempts, error = excluded.error, due_at = excluded.due_at,
        topic = excluded.topic, message = excluded.message, result = excluded.result, fault = excluded.fault
      WHERE s.ended_at IS NULL)
    SELECT h.id, false AS is_start, CASE WHEN w.cancelled_at IS NULL THEN 'done' ELSE 'cancelled' END AS verdict
    FROM held h JOIN banyan.workflow w ON w.id = h.id`;
}

/** Before anything that waits for them or is sent to them: one misses the other where both see what was before. */
export function lockTopics(topics: readonly Uint8Array[]): Statement {
  return sql`SELECT banyan.lock_topics(${topics}::bytea[])`;
}

/** What the runs that have ended tell; a run that another worker has goes on, and tells nothing. */
export function tellEnds(ends: readonly { readonly run: string; readonly tells: Message }[]): Statement {
  return sql`INSERT INTO banyan.workflow_message (id, topic, data)
    SELECT g.id, g.topic, g.data FROM unnest(${ends.map(({ run }) => run)}::text[], ${ends.map(({ tells }) => tells.id)}::text[],
      ${ends.map(({ tells }) => tells.topic)}::bytea[], ${ends.map(({ tells }) => tells.data)}::text[]) AS g (run, id, topic, data)
    JOIN banyan.workflow w ON w.id = g.run AND w.ended_at IS NOT NULL
    ON CONFLICT DO NOTHING`;
}

/** W3: who waits for one of the topics. */
export function wakeWaiting(topics: readonly Uint8Array[]): Statement {
  return sql`UPDATE banyan.job j SET due_at = clock_timestamp() WHERE owner IS NULL AND dead_at IS NULL
    AND id IN (SELECT run FROM banyan.workflow_step WHERE topic = ANY (${topics}::bytea[]) AND ended_at IS NULL)`;
}

/** W3: what came before they waited. */
export function wakeHeard(ids: readonly string[]): Statement {
  return sql`UPDATE banyan.job j SET due_at = clock_timestamp() WHERE owner IS NULL AND dead_at IS NULL
    AND id IN (SELECT run FROM banyan.workflow_messages(${ids}::text[]))`;
}

export function listRuns({ id, tenant, type, state, after, limit = 100 }: RunFilter): Statement {
  return sql`SELECT * FROM (
      SELECT w.id, w.type, w.version, w.tenant, w.started_at, w.ended_at, w.cancelled_at IS NOT NULL AS is_cancelled, w.trace_id, w.fault, j.error,
        CASE WHEN w.ended_at IS NOT NULL THEN CASE WHEN w.fault IS NULL THEN 'done' ELSE 'failed' END
          WHEN j.dead_at IS NOT NULL THEN 'stuck'
          WHEN j.lease_until > clock_timestamp() THEN 'running'
          WHEN j.due_at > clock_timestamp() THEN 'waiting'
          ELSE 'due' END AS state,
        CASE WHEN j.lease_until > clock_timestamp() AND j.dead_at IS NULL THEN j.owner END AS owner,
        CASE WHEN j.dead_at IS NULL AND j.due_at < clock_timestamp() + interval '50 years' THEN greatest(j.due_at, j.lease_until) END AS due_at
      FROM banyan.workflow w LEFT JOIN banyan.job j ON j.id = w.id AND w.ended_at IS NULL
      WHERE w.id = coalesce(${id ?? null}::text, w.id) AND w.type = coalesce(${type ?? null}::text, w.type)
        AND w.tenant = coalesce(${tenant ?? null}::text, w.tenant)
        AND (${after === undefined} OR (w.started_at, w.id) < (${new Date(after?.startedAt ?? 0)}::timestamptz, ${after?.id ?? null}::text))) AS run
    WHERE state = coalesce(${state ?? null}::text, state)
    ORDER BY started_at DESC, id DESC LIMIT ${limit}`;
}

/** The stuck are few, and found by the index of the dead. */
export function countRuns(workflows: readonly Pick<NewRun, "type" | "version">[]): Statement {
  const jobTypes = workflows.flatMap((each) => jobTypesOf(each).map((jobType) => ({ type: each.type, jobType })));
  return sql`WITH given AS (
      SELECT * FROM unnest(${jobTypes.map(({ type }) => type)}::text[], ${jobTypes.map(({ jobType }) => jobType)}::text[]) AS g (type, job_type)),
    dead AS MATERIALIZED (SELECT type, count(*) AS count FROM banyan.job WHERE dead_at IS NOT NULL GROUP BY type)
    SELECT g.type, sum((SELECT count(*) FROM banyan.job j WHERE j.type = g.job_type AND j.dead_at IS NULL AND j.waits = 0
        AND j.due_at > clock_timestamp() AND (j.lease_until IS NULL OR j.lease_until <= clock_timestamp())))::int AS waiting,
      coalesce(sum(d.count), 0)::int AS stuck
    FROM given g LEFT JOIN dead d ON d.type = g.job_type GROUP BY g.type`;
}
