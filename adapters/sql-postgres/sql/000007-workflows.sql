-- Runs of workflows. A run that goes on has a job of its id, whose lease, token and due time are the run's: claims, heartbeats and
-- sleepers are those of jobs.

CREATE TABLE banyan.workflow (
  id text PRIMARY KEY,
  type text NOT NULL,
  version int NOT NULL,
  tenant text NOT NULL,
  actor text NOT NULL,
  permissions text NOT NULL,           -- JSON
  input text NOT NULL,
  input_hash bytea NOT NULL,
  trace_id text NOT NULL,
  metadata text NOT NULL,
  started_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  ended_at timestamptz,
  result text,
  fault text
) WITH (fillfactor = 70);             -- a run ends in its page (HOT): what is indexed does not change
CREATE INDEX workflow_started ON banyan.workflow (type, started_at);

-- What a run went through: a step has ended, or waits.
CREATE TABLE banyan.workflow_step (
  run text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  digest bytea NOT NULL,
  place int NOT NULL,
  began_at timestamptz NOT NULL,
  ended_at timestamptz,
  attempts int NOT NULL,
  error text,
  due_at timestamptz,
  topic bytea,
  message text,
  result text,
  fault text,
  PRIMARY KEY (run, name)
);
CREATE INDEX workflow_step_topic ON banyan.workflow_step (topic) WHERE topic IS NOT NULL AND ended_at IS NULL;

-- Signals, and events that services wait for.
CREATE TABLE banyan.workflow_message (
  id text PRIMARY KEY,
  topic bytea NOT NULL,
  data text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX workflow_message_topic ON banyan.workflow_message (topic, at);

-- Who comes to wait for a topic and who sends to it follow one another, so that neither misses the other.
CREATE FUNCTION banyan.lock_topics(topics bytea[]) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(1650552443, key) FROM (SELECT DISTINCT hashtext(encode(t, 'hex')) AS key FROM unnest(topics) t ORDER BY 1) k
$$;

-- Messages that a run may take: for its waiting steps, not taken before, and no older than the run.
CREATE FUNCTION banyan.workflow_messages(runs text[]) RETURNS TABLE (run text, id text, topic bytea, data text, at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT s.run, m.id, m.topic, m.data, m.at
  FROM banyan.workflow_step s JOIN banyan.workflow w ON w.id = s.run JOIN banyan.workflow_message m ON m.topic = s.topic AND m.at >= w.started_at
  WHERE s.run = ANY (runs) AND s.topic IS NOT NULL AND s.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM banyan.workflow_step t WHERE t.run = s.run AND t.message = m.id)
$$;
