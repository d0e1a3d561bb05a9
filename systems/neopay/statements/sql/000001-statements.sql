-- Bank statements as the bank sent them: written once; only what replaces one is noted later.

CREATE SCHEMA statements;

CREATE TABLE statements.statement (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order of imports; ids of one millisecond have none
  tenant text NOT NULL,
  account text NOT NULL,
  currency text NOT NULL,
  format text NOT NULL,
  version integer,
  statement_id text NOT NULL,
  sequence text,
  page text,
  created_at text,                                      -- as the bank wrote it: its zone is part of it
  opening jsonb,
  closing jsonb,
  balances jsonb NOT NULL,
  ties boolean,
  break_minor bigint,
  tie_reason text NOT NULL,
  entry_count integer NOT NULL,
  content_hash bytea NOT NULL,                          -- of account, balances and entries
  replaced_by uuid REFERENCES statements.statement (id),
  imported_at timestamptz NOT NULL,
  CONSTRAINT statement_identity UNIQUE NULLS NOT DISTINCT (tenant, account, statement_id, sequence, page, format, content_hash)
);
-- The same statement under a new id is the same statement; but two quiet days look alike, and so may two lists of entries.
CREATE UNIQUE INDEX statement_content ON statements.statement (content_hash, tenant) WHERE entry_count > 0 AND balances <> '[]';
CREATE INDEX statement_listed ON statements.statement (tenant, number);

CREATE TABLE statements.entry (
  statement uuid NOT NULL REFERENCES statements.statement (id),
  index integer NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 9007199254740991),
  currency text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('credit', 'debit')),
  status text NOT NULL,
  reversal boolean NOT NULL,
  booked_on date,
  value_on date,
  reference text,
  bank_code text,
  description text,
  charges jsonb NOT NULL,
  details jsonb NOT NULL,
  PRIMARY KEY (statement, index)
);
