CREATE SCHEMA tally;
-- What the suite's own service keeps: a counter per name, and every effect that reached it.
CREATE TABLE tally.counter (
  tenant text NOT NULL,
  name text NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (tenant, name)
);
CREATE TABLE tally.effect (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  name text NOT NULL,
  amount bigint NOT NULL
);
CREATE TABLE tally.total (name text PRIMARY KEY, amount bigint NOT NULL);
