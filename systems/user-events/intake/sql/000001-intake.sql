CREATE SCHEMA intake;

-- How many events were ever appended to each partition, and how many of them are known to have been stored.
CREATE TABLE intake.partition (
  tenant text NOT NULL,
  partition integer NOT NULL,
  appended bigint NOT NULL,
  consumed bigint NOT NULL,
  PRIMARY KEY (tenant, partition)
) WITH (fillfactor = 50);
