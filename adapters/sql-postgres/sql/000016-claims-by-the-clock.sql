-- A claim that is not on disk yet is forgotten where the server dies, and the job is claimed again while the first process may be at work under its
-- token. So a token is drawn by the clock, in microseconds, and not counted up from what the server remembers: both would have the same one, and
-- each would store what a run of a workflow does.
CREATE OR REPLACE FUNCTION banyan.claim_jobs(wanted text[], most int, lease_ms float8, claimer text)
RETURNS TABLE (id text, type text, tenant text, input text, priority smallint, dedupe_key text, trace_id text, metadata jsonb,
  delay_ms bigint, token bigint, attempt int, waited_ms float8)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  at timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(1650552442, 0);
  at := clock_timestamp();
  IF NOT EXISTS (SELECT FROM banyan.job_type k WHERE k.type = ANY (wanted) AND (k.concurrency IS NOT NULL OR k.rate_runs IS NOT NULL)) THEN
    SET LOCAL synchronous_commit = off;
  END IF;
  RETURN QUERY
  WITH rooms AS MATERIALIZED (SELECT * FROM banyan.job_room(wanted, most, at) r WHERE r.room > 0),
    ready AS (
      SELECT first.ctid, first.rank, r.is_counted, r.room, row_number() OVER (PARTITION BY r.type ORDER BY first.rank) AS place
      FROM rooms r, (VALUES (1::smallint), (0::smallint), (-1::smallint)) AS p (priority),
        LATERAL (SELECT j.ctid, j.due_at - j.priority * interval '1 hour' AS rank FROM banyan.job j
          WHERE j.type = r.type AND j.priority = p.priority AND j.due_at <= at AND (j.lease_until IS NULL OR j.lease_until <= at)
            AND j.dead_at IS NULL AND j.waits = 0
          ORDER BY j.due_at LIMIT r.room) first),
    chosen AS (SELECT c.ctid, c.rank, c.is_counted FROM ready c WHERE c.place <= c.room ORDER BY c.rank LIMIT most),
    held AS (
      SELECT j.ctid, greatest(j.due_at, j.lease_until) AS free_at, chosen.rank, chosen.is_counted FROM chosen JOIN banyan.job j ON j.ctid = chosen.ctid
      WHERE j.due_at <= at AND (j.lease_until IS NULL OR j.lease_until <= at) AND j.dead_at IS NULL AND j.waits = 0
      FOR NO KEY UPDATE OF j SKIP LOCKED),
    taken AS (
      UPDATE banyan.job j SET token = greatest(j.token + 1, (extract(epoch FROM at) * 1000000)::bigint), attempt = j.attempt + 1, owner = claimer, lease_until = at + lease_ms * interval '1 millisecond',
        is_counted = held.is_counted
      FROM held WHERE j.ctid = held.ctid
      RETURNING j.id, j.type, j.tenant, j.input, j.priority, j.dedupe_key, j.trace_id, j.metadata, j.delay_ms, j.token, j.attempt,
        (extract(epoch FROM at - held.free_at) * 1000)::float8 AS waited_ms, held.rank),
    spent AS (
      UPDATE banyan.job_type k SET tokens = r.tokens - begun.n, counted_at = at
      FROM (SELECT t.type, count(*) AS n FROM taken t GROUP BY t.type) begun JOIN rooms r ON r.type = begun.type
      WHERE k.type = begun.type AND k.rate_runs IS NOT NULL)
  SELECT t.id, t.type, t.tenant, t.input, t.priority, t.dedupe_key, t.trace_id, t.metadata, t.delay_ms, t.token, t.attempt, t.waited_ms
  FROM taken t ORDER BY t.rank;
END $$;
