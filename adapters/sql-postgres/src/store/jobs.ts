import type { ClaimedJob, JobFilter, JobPriority, JobQueue, JobReport, NewJob } from "@banyan/kernel/jobs";
import { isUniqueViolation } from "../failure.ts";
import { type Statement, sql } from "../statement.ts";
import type { Runner } from "./runner.ts";

/**
 * J1  A job is free when it is due, not dead, waits for none, and its lease has ended.
 * J2  `token` grows with every claim and every end of one, so that one token is one run, and a run that failed cannot complete. A claim draws it
 *     by the clock: one that was not on disk when the server died leaves its token to nobody.
 * J3  Claims follow one another in a database: what a type's limits allow is counted exactly.
 */
export function createJobQueue({ run, announce }: Runner): JobQueue {
  return {
    async declare(types) {
      const { rows } = await run(sql`WITH given AS (
          SELECT * FROM unnest(${types.map((each) => each.type)}::text[], ${types.map((each) => each.rateLimit?.runs ?? null)}::int[],
            ${types.map((each) => each.rateLimit?.perMs ?? null)}::bigint[], ${types.map((each) => each.concurrency ?? null)}::int[],
            ${types.map((each) => each.schedule ?? null)}::text[]) AS g (type, runs, per_ms, concurrency, schedule)),
        declared AS (
          INSERT INTO banyan.job_type AS k (type, rate_runs, rate_per_ms, concurrency, schedule, fired_at)
          SELECT type, runs, per_ms, concurrency, schedule, clock_timestamp() FROM given ORDER BY type
          ON CONFLICT (type) DO UPDATE SET rate_runs = excluded.rate_runs, rate_per_ms = excluded.rate_per_ms, concurrency = excluded.concurrency,
            schedule = excluded.schedule,
            fired_at = CASE WHEN k.schedule IS NOT DISTINCT FROM excluded.schedule THEN k.fired_at ELSE greatest(k.fired_at, excluded.fired_at) END)
        SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`);
      return rows[0]?.now as number;
    },
    async claim(types, limit, { ms, owner }) {
      const { rows } = await run<ClaimedRow>(
        sql`SELECT * FROM banyan.claim_jobs(${types}::text[], ${limit}, ${ms}, ${owner})`,
      );
      return rows.map(claimedJob);
    },
    async free(types, limit) {
      const { rows } = await run<Pick<ClaimedRow, "id" | "type" | "priority">>(sql`SELECT found.id, t.type, p.priority
        FROM unnest(${types}::text[]) AS t (type), (VALUES (1::smallint), (0::smallint), (-1::smallint)) AS p (priority),
          LATERAL (SELECT j.id, j.due_at FROM banyan.job j
            WHERE j.type = t.type AND j.priority = p.priority AND j.due_at <= clock_timestamp() AND j.dead_at IS NULL AND j.waits = 0
              AND (j.lease_until IS NULL OR j.lease_until <= clock_timestamp())
            ORDER BY j.due_at LIMIT ${limit}) found
        WHERE NOT EXISTS (SELECT FROM banyan.job_type k WHERE k.type = t.type AND k.paused_at IS NOT NULL)
        ORDER BY found.due_at - p.priority * interval '1 hour' LIMIT ${limit}`);
      return rows.map(({ id, type, priority }) => ({ id, type, priority: priorities[priority] ?? "normal" }));
    },
    async lease(ids, { ms, owner }) {
      const { rows } = await run<ClaimedRow>(sql`SELECT * FROM banyan.lease_jobs(${ids}::text[], ${ms}, ${owner})`);
      return rows.map(claimedJob);
    },
    async renew(jobs, leaseMs) {
      // In the order in which banyan.hold_runs and all others lock, so that none waits for another crosswise.
      const { rows } = await run(sql`WITH held AS MATERIALIZED (
          SELECT j.id FROM banyan.job j
          JOIN unnest(${jobs.map((job) => job.id)}::text[], ${jobs.map((job) => job.token)}::bigint[]) AS given (id, token)
            ON j.id = given.id AND j.token = given.token
          WHERE j.dead_at IS NULL ORDER BY j.id FOR NO KEY UPDATE OF j)
        UPDATE banyan.job AS j SET lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
        FROM held WHERE j.id = held.id
        RETURNING j.id`);
      return new Set(rows.map((row) => row.id as string));
    },
    async fail(job, error, retryInMs) {
      await run(sql`UPDATE banyan.job
        SET token = token + 1, owner = NULL, lease_until = NULL, is_counted = false, error = ${error},
          dead_at = CASE WHEN ${retryInMs ?? null}::float8 IS NULL THEN clock_timestamp() END,
          due_at = clock_timestamp() + coalesce(${retryInMs ?? null}::float8, 0) * interval '1 millisecond'
        WHERE id = ${job.id} AND token = ${job.token} AND dead_at IS NULL`);
    },
    async release(jobs) {
      if (jobs.length === 0) return;
      const { count } = await run(sql`WITH held AS MATERIALIZED (
          SELECT j.id FROM banyan.job j
          JOIN unnest(${jobs.map((job) => job.id)}::text[], ${jobs.map((job) => job.token)}::bigint[]) AS given (id, token)
            ON j.id = given.id AND j.token = given.token
          WHERE j.dead_at IS NULL ORDER BY j.id FOR NO KEY UPDATE OF j)
        UPDATE banyan.job AS j
        SET token = j.token + 1, owner = NULL, lease_until = NULL, is_counted = false, attempt = j.attempt - 1
        FROM held WHERE j.id = held.id`);
      if (count > 0) announce();
    },
    async nextDueMs(types) {
      const { rows } =
        await run(sql`SELECT extract(epoch FROM min(greatest(first.due_at, r.next_at)) - clock_timestamp())::float8 * 1000 AS due_in_ms
        FROM banyan.job_room(${types}::text[], 1, clock_timestamp()) r, (VALUES (1::smallint), (0::smallint), (-1::smallint)) AS p (priority),
          LATERAL (SELECT j.due_at FROM banyan.job j
            WHERE j.type = r.type AND j.priority = p.priority AND j.dead_at IS NULL AND j.waits = 0
              AND (j.lease_until IS NULL OR j.lease_until <= clock_timestamp())
              AND j.due_at > CASE WHEN r.room = 0 AND r.next_at IS NULL THEN clock_timestamp() ELSE '-infinity' END
            ORDER BY j.due_at LIMIT 1) first`);
      const dueInMs = rows[0]?.due_in_ms as number | null | undefined;
      return dueInMs === null || dueInMs === undefined ? undefined : Math.max(0, dueInMs);
    },
    async fire(job, turnAt) {
      const { rows } = await run(sql`WITH fired AS (
          UPDATE banyan.job_type SET fired_at = ${turnAt} * interval '1 millisecond' + timestamptz 'epoch'
          WHERE type = ${job.type} AND fired_at < ${turnAt} * interval '1 millisecond' + timestamptz 'epoch'
            AND clock_timestamp() >= ${turnAt} * interval '1 millisecond' + timestamptz 'epoch'
          RETURNING type),
        stored AS (
          INSERT INTO banyan.job (id, type, tenant, input, priority, dedupe_key, trace_id, metadata, delay_ms, due_at)
          SELECT ${job.id}, type, ${job.tenant}, ${job.input}, ${rankOf[job.priority]}::smallint, ${job.dedupeKey ?? null}, ${job.traceId},
            ${job.metadata}::jsonb, 0, clock_timestamp() FROM fired
          ON CONFLICT DO NOTHING)
        SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now, (SELECT count(*) FROM fired) AS fired`);
      if (rows[0]?.fired === 1) announce();
      return rows[0]?.now as number;
    },
    async setPaused(type, paused) {
      await run(sql`INSERT INTO banyan.job_type AS k (type, paused_at) VALUES (${type}, CASE WHEN ${paused}::boolean THEN clock_timestamp() END)
        ON CONFLICT (type) DO UPDATE SET paused_at = CASE WHEN ${paused}::boolean THEN coalesce(k.paused_at, excluded.paused_at) END`);
      if (!paused) announce();
    },
    async list(filter) {
      const { rows } = await run<ReportRow>(listJobs(filter));
      return rows.map(jobReport);
    },
    async backlog(types) {
      const { rows } = await run<{
        type: string;
        count: number;
        oldest_ms: number;
      }>(sql`SELECT wanted.type, count(j.id) AS count,
          coalesce(extract(epoch FROM clock_timestamp() - min(j.due_at))::float8 * 1000, 0) AS oldest_ms
        FROM unnest(${types}::text[]) AS wanted (type)
        LEFT JOIN banyan.job j ON j.type = wanted.type AND j.dead_at IS NULL AND j.waits = 0 AND j.due_at <= clock_timestamp()
          AND (j.lease_until IS NULL OR j.lease_until <= clock_timestamp())
        GROUP BY wanted.type`);
      return rows.map(({ type, count, oldest_ms }) => ({ type, count, oldestMs: Math.max(0, oldest_ms) }));
    },
    async retry(id) {
      try {
        const { count } = await run(sql`UPDATE banyan.job SET dead_at = NULL, attempt = 0, due_at = clock_timestamp()
          WHERE id = ${id} AND dead_at IS NOT NULL`);
        if (count > 0) announce();
        return count > 0;
      } catch (error) {
        if (isUniqueViolation(error, "job_dedupe")) return false;
        throw error;
      }
    },
  };
}

/** As the column has it: hours of advantage. */
const rankOf: Record<JobPriority, number> = { high: 1, normal: 0, low: -1 };
const priorities: Readonly<Record<number, JobPriority>> = { 1: "high", 0: "normal", [-1]: "low" };

interface ClaimedRow {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  readonly input: string;
  readonly priority: number;
  readonly dedupe_key: string | null;
  readonly trace_id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly delay_ms: number;
  readonly token: number;
  readonly attempt: number;
  readonly waited_ms: number;
}

function claimedJob(row: ClaimedRow): ClaimedJob {
  const { id, type, tenant, input, trace_id: traceId, metadata, delay_ms: delayMs, token, attempt } = row;
  const priority = priorities[row.priority] ?? "normal";
  const dedupeKey = row.dedupe_key ?? undefined;
  const waitedMs = Math.max(0, row.waited_ms);
  return { id, type, tenant, input, priority, traceId, metadata, delayMs, dedupeKey, token, attempt, waitedMs };
}

/** Stores jobs, and what they come after; one whose dedupe key is taken is left out. */
export function jobStatements(jobs: readonly NewJob[]): readonly Statement[] {
  if (jobs.length === 0) return [];
  const pairs = jobs.flatMap(({ id, after }) => after.map((awaited) => ({ job: id, awaited })));
  if (pairs.length === 0) return [insertJobs(jobs)];
  // One that this very transaction left out as a duplicate is found by its key.
  const keys = pairs.map(({ awaited }) => jobs.find(({ id, dedupeKey }) => id === awaited && dedupeKey !== undefined));
  const awaiting = sql`SELECT banyan.await_jobs(${pairs.map(({ job }) => job)}::text[], ${pairs.map(({ awaited }) => awaited)}::text[],
    ${keys.map((key) => key?.type ?? null)}::text[], ${keys.map((key) => key?.tenant ?? null)}::text[],
    ${keys.map((key) => key?.dedupeKey ?? null)}::text[])`;
  return [insertJobs(jobs), awaiting];
}

function insertJobs(jobs: readonly NewJob[]): Statement {
  return sql`INSERT INTO banyan.job (id, type, tenant, input, priority, dedupe_key, trace_id, metadata, delay_ms, due_at)
    SELECT g.*, clock_timestamp() + g.delay_ms * interval '1 millisecond'
    FROM unnest(${jobs.map((each) => each.id)}::text[], ${jobs.map((each) => each.type)}::text[],
      ${jobs.map((each) => each.tenant)}::text[], ${jobs.map((each) => each.input)}::text[],
      ${jobs.map((each) => rankOf[each.priority])}::smallint[],
      ${jobs.map((each) => each.dedupeKey ?? null)}::text[], ${jobs.map((each) => each.traceId)}::text[],
      ${jobs.map((each) => each.metadata)}::jsonb[], ${jobs.map((each) => Math.ceil(each.delayMs))}::bigint[])
      AS g (id, type, tenant, input, priority, dedupe_key, trace_id, metadata, delay_ms)
    ORDER BY g.type, g.tenant, g.dedupe_key
    ON CONFLICT DO NOTHING`;
}

interface ReportRow {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  readonly state: JobReport["state"];
  readonly priority: number;
  readonly input: string;
  readonly attempt: number;
  readonly due_at: Date;
  readonly owner: string | null;
  readonly error: string | null;
  readonly after: string[];
}

function listJobs({ type, state, limit = 100 }: JobFilter): Statement {
  return sql`SELECT * FROM (
      SELECT j.id, j.type, j.tenant, j.priority, j.input, j.attempt, greatest(j.due_at, j.lease_until) AS due_at, j.error, j.dead_at,
        CASE WHEN j.dead_at IS NOT NULL THEN 'dead'
          WHEN j.lease_until > clock_timestamp() THEN 'running'
          WHEN j.waits > 0 THEN 'blocked'
          WHEN k.paused_at IS NOT NULL THEN 'paused'
          WHEN j.due_at > clock_timestamp() THEN 'delayed'
          ELSE 'waiting' END AS state,
        CASE WHEN j.lease_until > clock_timestamp() THEN j.owner END AS owner,
        ARRAY(SELECT a.awaited FROM banyan.job_after a WHERE a.job = j.id ORDER BY a.awaited) AS after
      FROM banyan.job j LEFT JOIN banyan.job_type k ON k.type = j.type
      WHERE j.type = coalesce(${type ?? null}::text, j.type)) AS job
    WHERE state = coalesce(${state ?? null}::text, state)
    ORDER BY dead_at DESC NULLS LAST, due_at LIMIT ${limit}`;
}

function jobReport({ attempt, due_at, owner, error, priority, ...row }: ReportRow): JobReport {
  return {
    id: row.id,
    type: row.type,
    tenant: row.tenant,
    state: row.state,
    priority: priorities[priority] ?? "normal",
    input: row.input,
    attempts: attempt,
    dueAt: due_at.getTime(),
    owner: owner ?? undefined,
    error: error ?? undefined,
    after: row.after,
  };
}
