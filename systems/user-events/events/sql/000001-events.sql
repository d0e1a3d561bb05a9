CREATE SCHEMA events;

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
