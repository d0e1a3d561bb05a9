-- Whether programs' events are refused, and which fields are replaced before anything is kept.
ALTER TABLE sources.source
  ADD COLUMN refuses_bots boolean NOT NULL DEFAULT false,
  ADD COLUMN pseudonyms text[] NOT NULL DEFAULT '{}';

-- What makes pseudonyms. The newest makes new ones; by the others what was made before is found again.
CREATE TABLE sources.pseudonym_key (
  tenant text NOT NULL,
  number integer NOT NULL,
  secret bytea NOT NULL,
  PRIMARY KEY (tenant, number)
);
