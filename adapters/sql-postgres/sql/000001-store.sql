-- What the kernel stores beside the services' own tables, in the same transactions.

CREATE SCHEMA IF NOT EXISTS banyan;

-- One command that took effect or was refused for good: idempotency record and audit record in ONE row, since three rows
-- cost the server three times as much (measured: 11 us against 46).
CREATE TABLE banyan.command (
  id bytea PRIMARY KEY,              -- 16 bytes; clients choose their keys, and a hash halves the index against text
  body_hash bytea NOT NULL,
  tenant text NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  trace_id text NOT NULL,
  result text,                       -- JSON as it was sent, so that a replay sends the same bytes
  fault text,                        -- in place of a result. No CHECK says so: it took a quarter of the row's cost, being parsed anew each time
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The newest version of each key. Its row lock, held from the closing batch to the commit, is what orders a key's events.
CREATE TABLE banyan.stream (
  tenant text NOT NULL,
  key text NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (tenant, key)
) WITH (fillfactor = 50);            -- half a page free keeps the counting off the index (HOT)

-- The log: written once, never changed. `seq` is drawn under the lock of the key, so within a key it grows with `version`;
-- across keys a transaction that commits late may show a smaller one.
CREATE TABLE banyan.event (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  type text NOT NULL,
  tenant text NOT NULL,
  key text NOT NULL,
  version bigint NOT NULL,
  data text NOT NULL,
  trace_id text NOT NULL,
  metadata jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Which service wants events of which type. A type that nobody wants costs no row in the outbox.
CREATE TABLE banyan.subscription (
  type text NOT NULL,
  service text NOT NULL,
  PRIMARY KEY (type, service)
);

-- The outbox: events that a service still waits for; each service has rows of its own, since each may run elsewhere. A table
-- of its own, not a flag of `event`: taking 20,000 out of it took 28 ms, marking them 235 ms, and the log stays half as
-- large, since no mark leaves a dead copy of the event behind.
CREATE TABLE banyan.unsent (
  service text NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (service, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- What each subscriber has handled: the row is written in the transaction of the effect.
CREATE TABLE banyan.inbox (
  subscriber text NOT NULL,
  event uuid NOT NULL,
  PRIMARY KEY (subscriber, event)
);

CREATE SEQUENCE banyan.dead_letter_position AS bigint;

CREATE TABLE banyan.dead_letter (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position bigint NOT NULL UNIQUE DEFAULT nextval('banyan.dead_letter_position'),
  subscriber text NOT NULL,
  event uuid NOT NULL REFERENCES banyan.event (id),
  attempts int NOT NULL,
  error text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (subscriber, event)
);

-- Jobs that wait, run or are dead; a completed one is deleted. While one is leased, `due_at` is where its lease ends: a job is
-- free for the next worker in both cases when it is due. `token` grows with every claim and every failure.
CREATE TABLE banyan.job (
  id text PRIMARY KEY,
  type text NOT NULL,
  tenant text NOT NULL,
  input text NOT NULL,
  dedupe_key text,
  trace_id text NOT NULL,
  metadata jsonb NOT NULL,
  delay_ms bigint NOT NULL,
  due_at timestamptz NOT NULL,
  token bigint NOT NULL DEFAULT 0,
  attempt int NOT NULL DEFAULT 0,
  error text,
  dead_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX job_due ON banyan.job (due_at) WHERE dead_at IS NULL;
CREATE UNIQUE INDEX job_dedupe ON banyan.job (type, tenant, dedupe_key) WHERE dead_at IS NULL AND dedupe_key IS NOT NULL;
CREATE INDEX job_dead ON banyan.job (dead_at) WHERE dead_at IS NOT NULL;

-- Ends a job under the token it was claimed with. It raises, so that a COMMIT in the same batch is skipped.
CREATE FUNCTION banyan.complete_job(job_id text, claimed_token bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM banyan.job WHERE id = job_id AND token = claimed_token AND dead_at IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'job % is no longer held under token %', job_id, claimed_token USING ERRCODE = 'BY001';
  END IF;
END $$;

-- Deliveries to a subscriber pass its gate together; a rebuild closes it, and must not meet a delivery half-way.
CREATE FUNCTION banyan.enter_gate(subscriber text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock_shared(1650552441, hashtext(subscriber))
$$;
CREATE FUNCTION banyan.close_gate(subscriber text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(1650552441, hashtext(subscriber))
$$;
