-- What the bank says and what the ledger says of the same accounts, taken from events; what was matched, and what breaks.

CREATE SCHEMA reconciliation;

-- One row per tenant. Locked by each run, so that runs go one after another and are numbered without a gap.
CREATE TABLE reconciliation.book (
  tenant text PRIMARY KEY,
  run_count integer NOT NULL
);

CREATE TABLE reconciliation.statement (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  account text NOT NULL,
  currency text NOT NULL,
  statement_id text NOT NULL,
  ties boolean,
  break_minor bigint,
  closing_on date,
  closing_minor bigint,
  is_replaced boolean NOT NULL DEFAULT false            -- by a statement that the bank sent in its place
);
CREATE INDEX statement_of_account ON reconciliation.statement (account, tenant);

CREATE TABLE reconciliation.item (
  -- `<statement>:<index>:<part>` of the bank's, `<seq>:<leg>` of the ledger's: unique per side and tenant.
  id text COLLATE "C" NOT NULL,
  side text NOT NULL CHECK (side IN ('bank', 'ledger')),
  tenant text NOT NULL,
  account text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('credit', 'debit')),
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  day date NOT NULL,
  -- Order within a day: that of the statement or of the ledger, whichever order events came in.
  place text COLLATE "C" NOT NULL,
  "references" text[] NOT NULL,
  -- Copied from reconciliation.match, which is the truth of it: the rest of this table is rebuilt from events.
  match_id uuid,
  PRIMARY KEY (id, side, tenant)
);
CREATE INDEX item_unmatched ON reconciliation.item (account, tenant, side, day, place) WHERE match_id IS NULL;
CREATE INDEX item_ledger_balance ON reconciliation.item (account, tenant, day) WHERE side = 'ledger';

CREATE TABLE reconciliation.run (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  number integer NOT NULL,
  account text,
  first_day date,
  last_day date,
  rules text[] NOT NULL,
  date_window_days integer NOT NULL,
  account_count integer NOT NULL,
  matched_count integer NOT NULL,
  opened_count integer NOT NULL,
  resolved_count integer NOT NULL,
  open_count integer NOT NULL,
  ran_at timestamptz NOT NULL,
  UNIQUE (number, tenant)
);

CREATE TABLE reconciliation.match (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order in which pairs were found
  tenant text NOT NULL,
  run_id uuid NOT NULL REFERENCES reconciliation.run (id),
  rule text NOT NULL,
  bank_item text COLLATE "C" NOT NULL,
  ledger_item text COLLATE "C" NOT NULL,
  -- No item is used twice, whatever two runs may think.
  UNIQUE (bank_item, tenant),
  UNIQUE (ledger_item, tenant)
);

CREATE INDEX match_of_run ON reconciliation.match (run_id, number);

CREATE TABLE reconciliation.break (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order in which breaks were opened
  tenant text NOT NULL,
  account text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('missingInLedger', 'missingAtBank', 'amountDiffers', 'statementDoesNotTie', 'balanceDrift')),
  subject text COLLATE "C" NOT NULL,
  currency text NOT NULL,
  bank_minor bigint,
  ledger_minor bigint,
  difference_minor bigint,
  day date NOT NULL,
  "references" text[] NOT NULL,
  opened_at timestamptz NOT NULL,
  opened_run integer NOT NULL,
  resolved_at timestamptz,
  resolved_run integer
);
-- A subject breaks once at a time; resolved and broken again, it is a new break of a new age.
CREATE UNIQUE INDEX break_open ON reconciliation.break (kind, subject, tenant) WHERE resolved_at IS NULL;
CREATE INDEX break_of_account ON reconciliation.break (account, tenant, number);
CREATE INDEX break_listed ON reconciliation.break (tenant, number);
