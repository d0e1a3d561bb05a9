-- Webhooks out: who hears of what, what was said, and how each telling went. Webhooks in: what was taken, once each.

CREATE SCHEMA webhooks;

CREATE TABLE webhooks.endpoint (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order of their making
  tenant text NOT NULL,
  url text NOT NULL,
  merchant text,                                        -- null: hears of every merchant
  types text[] NOT NULL,                                -- empty: hears of everything
  status text NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
  disabled_reason text,
  -- Kept readable: a symmetric signature needs it. Signs beside the new one until `old_secret_until`.
  secret bytea NOT NULL,
  old_secret bytea,
  old_secret_until timestamptz,
  failing_since timestamptz,                            -- the first failure after the last success
  created_at timestamptz NOT NULL
);
CREATE INDEX endpoint_listed ON webhooks.endpoint (tenant, number);

CREATE TABLE webhooks.message (
  id uuid PRIMARY KEY,                                  -- the event's: what a receiver knows a repetition by
  tenant text NOT NULL,
  type text NOT NULL,
  body text NOT NULL,                                   -- as it is signed and sent
  created_at timestamptz NOT NULL
);

CREATE TABLE webhooks.delivery (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order of their making
  tenant text NOT NULL,
  endpoint uuid NOT NULL REFERENCES webhooks.endpoint (id),
  message uuid NOT NULL REFERENCES webhooks.message (id),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
  -- Grows with each redelivery; a job of an older turn does nothing.
  turn integer NOT NULL DEFAULT 1,
  attempt_count integer NOT NULL DEFAULT 0,
  next_at timestamptz,
  settled_at timestamptz,
  created_at timestamptz NOT NULL,
  CONSTRAINT delivery_waits CHECK ((status = 'pending') = (next_at IS NOT NULL)),
  UNIQUE (message, endpoint)
);
CREATE INDEX delivery_listed ON webhooks.delivery (tenant, number);
CREATE INDEX delivery_of_endpoint ON webhooks.delivery (endpoint, number);

CREATE TABLE webhooks.attempt (
  delivery uuid NOT NULL REFERENCES webhooks.delivery (id),
  number integer NOT NULL,
  at timestamptz NOT NULL,
  took_ms integer NOT NULL,
  status integer,                                       -- null: no answer came
  error text,
  PRIMARY KEY (delivery, number)
);

CREATE TABLE webhooks.notice (
  provider text NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  tenant text NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  payload text NOT NULL,                                -- as it was signed
  PRIMARY KEY (provider, event_id, tenant)
);

-- The newest that was heard of each of a provider's things, which tells what comes late.
CREATE TABLE webhooks.subject (
  provider text NOT NULL,
  subject text COLLATE "C" NOT NULL,
  tenant text NOT NULL,
  newest_at timestamptz NOT NULL,
  PRIMARY KEY (provider, subject, tenant)
);
