import type { ClaimedJob, JobQueue, NewJob } from "@banyan/kernel/store";
import { isUniqueViolation } from "../failure.ts";
import { sql } from "../statement.ts";
import { insertJobs } from "./rows.ts";
import type { Runner } from "./runner.ts";

interface JobRow {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  readonly input: string;
  readonly dedupe_key: string | null;
  readonly trace_id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly delay_ms: number;
  readonly token: number;
  readonly attempt: number;
  readonly error: string | null;
}

/**
 * J1  A job is free when it is due and not dead; a claim makes it due again when the lease ends.
 * J2  `token` grows with every claim and every failure, so that one token is one run and a run that failed cannot complete.
 */
export function createJobQueue({ run, announce }: Runner): JobQueue {
  return {
    async claim(types, limit, leaseMs) {
      const { rows } = await run(sql`UPDATE banyan.job AS j
        SET token = j.token + 1, attempt = j.attempt + 1, due_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
        FROM (SELECT id, due_at FROM banyan.job WHERE dead_at IS NULL AND due_at <= clock_timestamp() AND type = ANY (${types}::text[])
              ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED) AS due
        WHERE j.id = due.id
        RETURNING j.id, type, tenant, input, dedupe_key, trace_id, metadata, delay_ms, token, attempt, due.due_at AS was_due_at`);
      const claimed = rows as unknown as Array<JobRow & { readonly was_due_at: Date }>;
      return claimed.sort((a, b) => a.was_due_at.getTime() - b.was_due_at.getTime()).map(claimedJob);
    },
    async renew(jobs, leaseMs) {
      const { rows } = await run(sql`UPDATE banyan.job AS j
        SET due_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
        FROM unnest(${jobs.map((job) => job.id)}::text[], ${jobs.map((job) => job.token)}::bigint[]) AS held (id, token)
        WHERE j.id = held.id AND j.token = held.token AND j.dead_at IS NULL
        RETURNING j.id`);
      return new Set(rows.map((row) => row.id as string));
    },
    async fail(job, error, retryInMs) {
      await run(sql`UPDATE banyan.job
        SET token = token + 1, error = ${error}, dead_at = CASE WHEN ${retryInMs ?? null}::float8 IS NULL THEN clock_timestamp() END,
          due_at = clock_timestamp() + coalesce(${retryInMs ?? null}::float8, 0) * interval '1 millisecond'
        WHERE id = ${job.id} AND token = ${job.token} AND dead_at IS NULL`);
    },
    async nextDueMs(types) {
      const { rows } =
        await run(sql`SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 * 1000 AS due_in_ms
        FROM banyan.job WHERE dead_at IS NULL AND type = ANY (${types}::text[])`);
      const dueInMs = rows[0]?.due_in_ms as number | null | undefined;
      return dueInMs === null || dueInMs === undefined ? undefined : Math.max(0, dueInMs);
    },
    async add(jobs) {
      if (jobs.length === 0) return;
      const { count } = await run(insertJobs(jobs));
      if (count > 0) announce();
    },
    async dead(limit) {
      const { rows } =
        await run(sql`SELECT id, type, tenant, input, dedupe_key, trace_id, metadata, delay_ms, token, attempt, error
        FROM banyan.job WHERE dead_at IS NOT NULL ORDER BY dead_at DESC LIMIT ${limit}`);
      return (rows as unknown as readonly JobRow[]).map((row) => ({
        ...newJob(row),
        attempts: row.attempt,
        error: row.error ?? "",
      }));
    },
    /** False, too, where a living job has taken its dedupe key meanwhile: that one does its work. */
    async revive(id) {
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

function newJob(row: JobRow): NewJob {
  const { id, type, tenant, input, trace_id: traceId, metadata, delay_ms: delayMs } = row;
  return { id, type, tenant, input, traceId, metadata, delayMs, dedupeKey: row.dedupe_key ?? undefined };
}

function claimedJob(row: JobRow): ClaimedJob {
  return { ...newJob(row), token: row.token, attempt: row.attempt };
}
