-- Rates as they were set, quotes on them, and conversions of quotes. Money moves in the ledger alone.

CREATE SCHEMA fx;

CREATE TABLE fx.rate (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the newest of a pair holds
  tenant text NOT NULL,
  source_currency text NOT NULL,
  target_currency text NOT NULL,
  rate text NOT NULL,                                   -- decimal, as it was set: units of the target for one of the source
  set_by text NOT NULL,
  set_at timestamptz NOT NULL
);
CREATE INDEX rate_newest ON fx.rate (tenant, source_currency, target_currency, number DESC);

CREATE TABLE fx.quote (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  source_currency text NOT NULL,
  target_currency text NOT NULL,
  rate text NOT NULL,
  source_minor bigint NOT NULL CHECK (source_minor > 0),
  target_minor bigint NOT NULL CHECK (target_minor > 0),
  -- What rounding keeps, in minor units of the target; exact.
  remainder numeric NOT NULL CHECK (remainder >= 0),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE TABLE fx.conversion (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  quote uuid NOT NULL UNIQUE REFERENCES fx.quote (id),  -- a quote is used once
  source text NOT NULL,
  destination text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'posted', 'failed')),
  reason text,
  transaction_id uuid,
  created_at timestamptz NOT NULL,
  settled_at timestamptz
);
