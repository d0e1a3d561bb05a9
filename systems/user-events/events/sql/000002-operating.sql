-- What was stored, in brief: who did what when. Numbered within each partition in the order in which it was stored, without gaps, so that whoever
-- reads on from a number misses nothing: also not what was redriven, whose place in the log has long been passed.
CREATE TABLE events.act (
  tenant text NOT NULL,
  partition smallint NOT NULL,
  number bigint NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  name text,
  user_id text,
  anonymous_id text,
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, partition, number)
);

-- Most acts are stored in about the order of their time: a range of blocks costs next to nothing to keep.
CREATE INDEX ON events.act USING brin (occurred_at) WITH (pages_per_range = 16);
CREATE INDEX ON events.act (tenant, anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX ON events.act (tenant, user_id) WHERE user_id IS NOT NULL;

-- How many acts each partition has had. Locked by who adds some, so that numbers and commits have one order.
CREATE TABLE events.act_head (
  tenant text NOT NULL,
  partition smallint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (tenant, partition)
) WITH (fillfactor = 50);

-- From how many waiting events on somebody is to be told, and whether that has been said.
CREATE TABLE events.lag_alert (
  tenant text PRIMARY KEY,
  alert_at bigint NOT NULL,
  is_high boolean NOT NULL
);
