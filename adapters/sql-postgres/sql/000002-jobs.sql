-- Priorities, jobs that come after others, limits and schedules by type, and who runs what.

-- What holds for all jobs of a type, for every process. Its schedule's last turn is kept here for good: a turn is stored once, ever.
CREATE TABLE banyan.job_type (
  type text PRIMARY KEY,
  paused_at timestamptz,
  rate_runs int,                     -- at most so many begin at once, and so many per rate_per_ms from then on
  rate_per_ms bigint,
  tokens float8 NOT NULL DEFAULT 0,  -- how many could begin at counted_at
  counted_at timestamptz NOT NULL DEFAULT '-infinity',
  concurrency int,
  schedule text,
  fired_at timestamptz
);

ALTER TABLE banyan.job
  ADD COLUMN priority smallint NOT NULL DEFAULT 0,  -- 1 high, 0 normal, -1 low: hours of advantage
  ADD COLUMN owner text,                            -- who holds the lease that ends at due_at
  ADD COLUMN waits int NOT NULL DEFAULT 0,          -- how many jobs it still comes after
  ADD COLUMN is_awaited boolean NOT NULL DEFAULT false;

-- By type, since no claim should read past the backlog of a type that is paused, limited, or run elsewhere.
DROP INDEX banyan.job_due;
CREATE INDEX job_due ON banyan.job (type, priority, due_at) WHERE dead_at IS NULL AND waits = 0;

CREATE TABLE banyan.job_after (
  awaited text NOT NULL,
  job text NOT NULL REFERENCES banyan.job (id) ON DELETE CASCADE,
  PRIMARY KEY (awaited, job)
);
CREATE INDEX job_after_job ON banyan.job_after (job);

-- Makes jobs that this transaction has stored wait for others. One that is not stored is done, unless it was left out for a living
-- one with its dedupe key, which is awaited in its place. The mark's row lock is what a completion meets, so none is missed.
CREATE FUNCTION banyan.await_jobs(jobs text[], awaited text[], types text[], tenants text[], dedupe_keys text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH given AS (
      SELECT g.job, coalesce(
        (SELECT id FROM banyan.job WHERE id = g.awaited),
        (SELECT id FROM banyan.job j WHERE j.type = g.type AND j.tenant = g.tenant AND j.dedupe_key = g.dedupe_key AND dead_at IS NULL)) AS awaited
      FROM unnest(jobs, awaited, types, tenants, dedupe_keys) AS g (job, awaited, type, tenant, dedupe_key)
      WHERE EXISTS (SELECT FROM banyan.job WHERE id = g.job)),
    held AS (SELECT id FROM banyan.job WHERE id IN (SELECT given.awaited FROM given) ORDER BY id FOR NO KEY UPDATE),
    marked AS (UPDATE banyan.job SET is_awaited = true WHERE id IN (SELECT id FROM held) RETURNING id)
    INSERT INTO banyan.job_after (awaited, job)
    SELECT DISTINCT given.awaited, given.job FROM given JOIN marked ON marked.id = given.awaited;
  UPDATE banyan.job j SET waits = (SELECT count(*) FROM banyan.job_after a WHERE a.job = j.id) WHERE j.id = ANY (jobs);
END $$;

-- Ends jobs, each under the token it was claimed with, and answers how many others that set free. It raises, so that a COMMIT in the
-- same batch is skipped.
DROP FUNCTION banyan.complete_job(text, bigint);
CREATE FUNCTION banyan.complete_jobs(ids text[], claimed_tokens bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  completed int;
  awaited_ids text[];
  released int := 0;
BEGIN
  WITH gone AS (
    DELETE FROM banyan.job j USING unnest(ids, claimed_tokens) AS held (id, token)
    WHERE j.id = held.id AND j.token = held.token AND j.dead_at IS NULL
    RETURNING j.id, j.is_awaited)
  SELECT count(*), array_agg(id) FILTER (WHERE is_awaited) INTO completed, awaited_ids FROM gone;
  IF completed < cardinality(ids) THEN
    RAISE EXCEPTION '% of the jobs % are no longer held under their tokens', cardinality(ids) - completed, ids USING ERRCODE = 'BY001';
  END IF;
  IF awaited_ids IS NOT NULL THEN
    WITH gone AS (DELETE FROM banyan.job_after a WHERE a.awaited = ANY (awaited_ids) RETURNING a.job),
      counted AS (SELECT job, count(*)::int AS n FROM gone GROUP BY job),
      held AS (SELECT id FROM banyan.job WHERE id IN (SELECT job FROM counted) ORDER BY id FOR NO KEY UPDATE),
      freed AS (
        UPDATE banyan.job j SET waits = j.waits - counted.n, due_at = greatest(j.due_at, clock_timestamp())
        FROM counted JOIN held ON held.id = counted.job WHERE j.id = counted.job RETURNING j.waits)
    SELECT count(*) INTO released FROM freed WHERE waits = 0;
  END IF;
  RETURN released;
END $$;

-- How many jobs of each type may begin now, and when that changes by itself. A paused type has no row.
CREATE FUNCTION banyan.job_room(wanted text[], most int, at timestamptz)
RETURNS TABLE (type text, room int, tokens float8, next_at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT w.type, greatest(0, least(most, floor(t.tokens)::int, k.concurrency - running.n)), t.tokens,
    CASE WHEN t.tokens < 1 THEN at + (1 - t.tokens) * k.rate_per_ms / k.rate_runs * interval '1 millisecond' END
  FROM unnest(wanted) AS w (type)
  LEFT JOIN banyan.job_type k ON k.type = w.type
  CROSS JOIN LATERAL (SELECT least(k.rate_runs, k.tokens
    + extract(epoch FROM at - greatest(k.counted_at, at - k.rate_per_ms * interval '1 millisecond')) * 1000 * k.rate_runs / k.rate_per_ms) AS tokens) t
  CROSS JOIN LATERAL (SELECT CASE WHEN k.concurrency IS NOT NULL THEN (
    SELECT count(*)::int FROM banyan.job r WHERE r.type = w.type AND r.owner IS NOT NULL AND r.due_at > at AND r.dead_at IS NULL AND r.waits = 0) END AS n) running
  WHERE k.paused_at IS NULL
$$;

-- Leases jobs. One claim at a time in a database, so that limits hold exactly and two claims do not look at the same jobs: it takes
-- the server a millisecond, and one claim takes many. The lock is taken by a statement of its own, for what comes after must see what was
-- committed under it. The plan is settled by the index; a queue's statistics are always wrong.
CREATE FUNCTION banyan.claim_jobs(wanted text[], most int, lease_ms float8, claimer text)
RETURNS TABLE (id text, type text, tenant text, input text, priority smallint, dedupe_key text, trace_id text, metadata jsonb,
  delay_ms bigint, token bigint, attempt int, waited_ms float8)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
  at timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(1650552442, 0);
  at := clock_timestamp();
  RETURN QUERY
  WITH rooms AS MATERIALIZED (SELECT * FROM banyan.job_room(wanted, most, at) r WHERE r.room > 0),
    ready AS (
      SELECT first.id, first.rank, r.room, row_number() OVER (PARTITION BY r.type ORDER BY first.rank) AS place
      FROM rooms r, (VALUES (1::smallint), (0::smallint), (-1::smallint)) AS p (priority),
        LATERAL (SELECT j.id, j.due_at - j.priority * interval '1 hour' AS rank FROM banyan.job j
          WHERE j.type = r.type AND j.priority = p.priority AND j.due_at <= at AND j.dead_at IS NULL AND j.waits = 0
          ORDER BY j.due_at LIMIT r.room) first),
    chosen AS (SELECT c.id, c.rank FROM ready c WHERE c.place <= c.room ORDER BY c.rank LIMIT most),
    -- Looked up by id: the sum keeps the planner from job_due, which it would read from its beginning for each.
    held AS (
      SELECT j.id, j.due_at, chosen.rank FROM chosen JOIN banyan.job j ON j.id = chosen.id
      WHERE j.due_at <= at AND j.dead_at IS NULL AND j.waits + 0 = 0 FOR NO KEY UPDATE OF j SKIP LOCKED),
    taken AS (
      UPDATE banyan.job j SET token = j.token + 1, attempt = j.attempt + 1, owner = claimer, due_at = at + lease_ms * interval '1 millisecond'
      FROM held WHERE j.id = held.id
      RETURNING j.id, j.type, j.tenant, j.input, j.priority, j.dedupe_key, j.trace_id, j.metadata, j.delay_ms, j.token, j.attempt,
        (extract(epoch FROM at - held.due_at) * 1000)::float8 AS waited_ms, held.rank),
    spent AS (
      UPDATE banyan.job_type k SET tokens = r.tokens - begun.n, counted_at = at
      FROM (SELECT t.type, count(*) AS n FROM taken t GROUP BY t.type) begun JOIN rooms r ON r.type = begun.type
      WHERE k.type = begun.type AND k.rate_runs IS NOT NULL)
  SELECT t.id, t.type, t.tenant, t.input, t.priority, t.dedupe_key, t.trace_id, t.metadata, t.delay_ms, t.token, t.attempt, t.waited_ms
  FROM taken t ORDER BY t.rank;
END $$;
