CREATE SCHEMA destinations;

-- Where stored events go on to. `failures` counts the tries of the event that is next; until `next_at` nothing is sent.
CREATE TABLE destinations.destination (
  tenant text NOT NULL,
  id text NOT NULL,
  definition jsonb NOT NULL,
  secret bytea NOT NULL,
  is_paused boolean NOT NULL DEFAULT false,
  failures integer NOT NULL DEFAULT 0,
  next_at timestamptz,
  PRIMARY KEY (tenant, id)
);

-- Who reads for a destination, and how far: 'main' what comes, a replay what came before. `until` is null for who never ends.
CREATE TABLE destinations.reader (
  tenant text NOT NULL,
  destination text NOT NULL,
  id text NOT NULL,
  filter jsonb NOT NULL,
  places jsonb NOT NULL,
  -- How often it has moved: whoever sent from another place has come too late.
  turn bigint NOT NULL DEFAULT 0,
  until jsonb,
  is_done boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant, destination, id)
);

-- What was delivered, by its number among the stored events of its partition: a replay leaves it out.
CREATE TABLE destinations.delivered (
  tenant text NOT NULL,
  destination text NOT NULL,
  partition smallint NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (tenant, destination, partition, number)
);

CREATE TABLE destinations.dead_letter (
  tenant text NOT NULL,
  destination text NOT NULL,
  partition smallint NOT NULL,
  number bigint NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  error text NOT NULL,
  attempts integer NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant, destination, partition, number)
);

-- How long each file is by what was committed: what a process wrote beyond it before it died is cut off.
CREATE TABLE destinations.file (
  tenant text NOT NULL,
  destination text NOT NULL,
  day date NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (tenant, destination, day)
);
