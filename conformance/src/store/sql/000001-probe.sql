-- The table that the suite of the store port writes, as a service would.
CREATE SCHEMA probe;
CREATE TABLE probe.item (
  id text PRIMARY KEY,
  n bigint NOT NULL,
  CONSTRAINT item_n_positive CHECK (n >= 0)
);
