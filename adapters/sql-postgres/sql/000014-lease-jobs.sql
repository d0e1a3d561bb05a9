-- Leases those of the jobs that are free, limits of types apart. Its plan is settled by the primary key, as those of claims and completions are: one that was made
-- while the queue was empty and vacuumed read the whole table for each of the jobs, until the next ANALYZE.
CREATE FUNCTION banyan.lease_jobs(wanted text[], lease_ms float8, claimer text)
RETURNS TABLE (id text, type text, tenant text, input text, priority smallint, dedupe_key text, trace_id text, metadata jsonb,
  delay_ms bigint, token bigint, attempt int, waited_ms float8)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
  -- The sum keeps the planner from the index of what is due, which it would read from its beginning for each.
  RETURN QUERY
  WITH held AS (
    SELECT j.ctid, greatest(j.due_at, j.lease_until) AS free_at FROM banyan.job j
    WHERE j.id = ANY (wanted) AND j.due_at <= clock_timestamp() AND (j.lease_until IS NULL OR j.lease_until <= clock_timestamp())
      AND j.dead_at IS NULL AND j.waits + 0 = 0
      AND NOT EXISTS (SELECT FROM banyan.job_type k WHERE k.type = j.type AND k.paused_at IS NOT NULL)
    FOR NO KEY UPDATE SKIP LOCKED)
  UPDATE banyan.job j
  SET token = j.token + 1, attempt = j.attempt + 1, owner = claimer, lease_until = clock_timestamp() + lease_ms * interval '1 millisecond',
    is_counted = EXISTS (SELECT FROM banyan.job_type k WHERE k.type = j.type AND k.concurrency IS NOT NULL)
  FROM held WHERE j.ctid = held.ctid
  RETURNING j.id, j.type, j.tenant, j.input, j.priority, j.dedupe_key, j.trace_id, j.metadata, j.delay_ms, j.token, j.attempt,
    (extract(epoch FROM clock_timestamp() - held.free_at) * 1000)::float8;
END $$;
