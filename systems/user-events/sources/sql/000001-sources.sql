CREATE SCHEMA sources;

CREATE TABLE sources.source (
  tenant text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  write_key text NOT NULL UNIQUE,
  is_strict boolean NOT NULL,
  events_per_second integer,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE sources.schema (
  tenant text NOT NULL,
  vendor text NOT NULL,
  name text NOT NULL,
  model integer NOT NULL,
  revision integer NOT NULL,
  addition integer NOT NULL,
  definition json NOT NULL,
  PRIMARY KEY (tenant, vendor, name, model, revision, addition)
);
