CREATE SCHEMA crew;
CREATE TABLE crew.effect (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job text NOT NULL,
  note text NOT NULL,
  pid int NOT NULL,
  attempt int NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
