-- Payments: what merchants want collected, and each movement of money towards it. The money itself lies in the ledger.
CREATE SCHEMA payments;

CREATE TABLE payments.payment (
  id uuid NOT NULL,
  tenant text NOT NULL,
  merchant text NOT NULL,
  merchant_txn_id text COLLATE "C" NOT NULL,
  order_id text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
  currency text NOT NULL,
  method text NOT NULL CHECK (method IN ('WALLET', 'ATM', 'CC', 'QR')),
  capture_mode text NOT NULL CHECK (capture_mode IN ('auto', 'manual')),
  return_url text,
  fee_plan jsonb NOT NULL,                              -- the merchant's when the payment was made
  status text NOT NULL DEFAULT 'requires_payment_method' CHECK (status IN ('requires_payment_method', 'requires_capture',
    'partially_captured', 'succeeded', 'failed', 'canceled', 'expired')),
  reason text,                                          -- why the last movement came to nothing
  instrument text,                                      -- wallet address or card token
  authorization_ref text,                               -- what the next capture takes from: a hold of the ledger, or the acquirer's
  authorized_minor bigint NOT NULL DEFAULT 0,
  captured_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,             -- in open and lost disputes
  -- What is under way counts before it has happened: no second movement may reach for the same money.
  pending_kind text CHECK (pending_kind IN ('authorization', 'capture', 'refund', 'release')),
  pending_id uuid,
  pending_minor bigint NOT NULL DEFAULT 0 CHECK (pending_minor >= 0),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (id, tenant),
  UNIQUE (tenant, merchant, merchant_txn_id),
  CONSTRAINT payment_authorizes_at_most_its_amount CHECK (authorized_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT payment_captures_at_most_authorized CHECK (captured_minor >= 0
    AND captured_minor + CASE WHEN pending_kind = 'capture' THEN pending_minor ELSE 0 END <= authorized_minor),
  CONSTRAINT payment_gives_back_at_most_captured CHECK (refunded_minor >= 0 AND disputed_minor >= 0
    AND refunded_minor + disputed_minor + CASE WHEN pending_kind = 'refund' THEN pending_minor ELSE 0 END <= captured_minor),
  CONSTRAINT payment_one_movement_at_a_time CHECK ((pending_kind IS NULL) = (pending_id IS NULL)
    AND (pending_kind IS NOT NULL OR pending_minor = 0))
) WITH (fillfactor = 60);                               -- room for its few updates on the same page

CREATE INDEX payment_of_merchant ON payments.payment (tenant, merchant, id);

-- Each try to move money for a payment, and what came of it.
CREATE TABLE payments.movement (
  id uuid NOT NULL,
  tenant text NOT NULL,
  payment_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('authorization', 'capture', 'refund', 'release')),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  fee_minor bigint NOT NULL DEFAULT 0 CHECK (fee_minor BETWEEN 0 AND amount_minor),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'failed')),
  reason text,
  transaction_id uuid,                                  -- the ledger's
  begun_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (id, tenant),
  FOREIGN KEY (payment_id, tenant) REFERENCES payments.payment (id, tenant),
  CONSTRAINT movement_ended_once CHECK ((status = 'pending') = (ended_at IS NULL))
);
CREATE INDEX movement_of_payment ON payments.movement (payment_id, begun_at);

-- How much a merchant may authorise: by day, and how often within a window.
CREATE TABLE payments.spending_limit (
  tenant text NOT NULL,
  merchant text NOT NULL,
  name text NOT NULL,
  method text CHECK (method IN ('WALLET', 'ATM', 'CC', 'QR')),  -- null: all methods together
  per_instrument boolean NOT NULL,
  day_minor_max bigint CHECK (day_minor_max >= 0),
  count_max integer CHECK (count_max >= 0),
  window_ms bigint CHECK (window_ms > 0),
  PRIMARY KEY (tenant, merchant, name),
  CONSTRAINT spending_limit_limits CHECK (day_minor_max IS NOT NULL OR count_max IS NOT NULL),
  CONSTRAINT spending_limit_window CHECK ((count_max IS NULL) = (window_ms IS NULL))
);

-- What has been used of a limit in one day or window; counted under its row's lock, so that no two can both be the last.
CREATE TABLE payments.usage (
  tenant text NOT NULL,
  merchant text NOT NULL,
  name text NOT NULL,
  instrument text NOT NULL,                             -- '' where all count together
  bucket text NOT NULL CHECK (bucket IN ('day', 'window')),
  starts_at timestamptz NOT NULL,
  used bigint NOT NULL,                                 -- minor units of a day, or authorisations of a window
  PRIMARY KEY (tenant, merchant, name, instrument, bucket, starts_at)
);

CREATE TABLE payments.dispute (
  id uuid NOT NULL,
  tenant text NOT NULL,
  payment_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reason text NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'won', 'lost')),
  evidence jsonb NOT NULL DEFAULT '[]',
  transaction_id uuid,                                  -- the chargeback's
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (id, tenant),
  FOREIGN KEY (payment_id, tenant) REFERENCES payments.payment (id, tenant),
  CONSTRAINT dispute_closed_once CHECK ((status = 'open') = (closed_at IS NULL))
);
CREATE INDEX dispute_of_payment ON payments.dispute (payment_id);

-- Providers say things twice; the first time counts.
CREATE TABLE payments.notice (
  tenant text NOT NULL,
  provider text NOT NULL,
  event_id text NOT NULL,
  reference uuid NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('authorized', 'declined', 'canceled')),
  taken_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, provider, event_id)
);
CREATE INDEX notice_of_reference ON payments.notice (reference);
