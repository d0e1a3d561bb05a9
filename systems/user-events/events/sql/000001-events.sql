CREATE SCHEMA events;

-- Every event that was ever stored, by what it is known by. Not partitioned, so that one from long ago is still known.
CREATE TABLE events.known (
  tenant text NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  PRIMARY KEY (tenant, source, event_id)
);

CREATE TABLE events.event (
  tenant text NOT NULL,
  -- Where it stood in the log: together with the tenant, its name within this table, in the order in which it came.
  partition smallint NOT NULL,
  "offset" bigint NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  name text,
  user_id text,
  anonymous_id text,
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  sent_at timestamptz,
  schema text,
  properties jsonb NOT NULL,
  context jsonb NOT NULL
) PARTITION BY RANGE (received_at);

CREATE INDEX ON events.event (tenant, type, occurred_at, partition, "offset");
CREATE INDEX ON events.event (tenant, user_id, occurred_at, partition, "offset") WHERE user_id IS NOT NULL;

-- What no day was made for: clocks that were turned, and what was redriven after its day was dropped.
CREATE TABLE events.event_other PARTITION OF events.event DEFAULT;

-- Makes the partitions of today and the days after it; drops those of `kept` days ago and before, and answers how many that were.
CREATE FUNCTION events.keep_days(today date, kept integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  day date;
  old text;
  dropped integer := 0;
BEGIN
  FOR day IN SELECT today + ahead FROM generate_series(0, 3) AS ahead LOOP
    IF to_regclass('events.event_' || to_char(day, 'YYYYMMDD')) IS NULL
      AND NOT EXISTS (SELECT FROM events.event_other WHERE received_at >= day::timestamp AT TIME ZONE 'UTC'
        AND received_at < (day + 1)::timestamp AT TIME ZONE 'UTC') THEN
      EXECUTE format('CREATE TABLE events.%I PARTITION OF events.event FOR VALUES FROM (%L) TO (%L)',
        'event_' || to_char(day, 'YYYYMMDD'), day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END IF;
  END LOOP;
  FOR old IN
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'events.event'::regclass AND c.relname ~ '^event_\d{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') <= today - kept
  LOOP
    EXECUTE format('DROP TABLE events.%I', old);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;

SELECT events.keep_days((now() AT TIME ZONE 'UTC')::date, 36500);

-- What came as an event and was refused, as it came. Kept until it is redriven, and then as a note that it was.
CREATE TABLE events.bad_row (
  tenant text NOT NULL,
  id uuid NOT NULL,
  partition smallint NOT NULL,
  "offset" bigint NOT NULL,
  source text NOT NULL,
  event_id text,
  run text NOT NULL,
  stage text NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  -- What is to be tried again: an event that was read, or the text that could not be.
  event jsonb,
  raw text,
  format text,
  received_at timestamptz NOT NULL,
  attempts integer NOT NULL,
  state text NOT NULL CHECK (state IN ('retrying', 'dead', 'redriven')),
  PRIMARY KEY (tenant, id)
);

-- The same bad event again is a duplicate while the first one waits.
CREATE UNIQUE INDEX ON events.bad_row (tenant, source, event_id) WHERE event_id IS NOT NULL AND state <> 'redriven';

-- How far each partition of the log is stored: written in the transaction that stores.
CREATE TABLE events.position (
  tenant text NOT NULL,
  partition smallint NOT NULL,
  consumed bigint NOT NULL,
  PRIMARY KEY (tenant, partition)
) WITH (fillfactor = 50);

-- What became of the events that were consumed. Partitions are counted apart, so that they do not wait for each other.
CREATE TABLE events.tally (
  tenant text NOT NULL,
  source text NOT NULL,
  run text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('stored', 'duplicate', 'bad')),
  partition smallint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (tenant, source, run, outcome, partition)
) WITH (fillfactor = 50);
