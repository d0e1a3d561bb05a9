-- Money set aside: a pending debit of the source and a pending credit of the destination, until the hold is committed
-- (a transaction posts what was captured, the rest is released), voided or expired: once.
CREATE TABLE ledger.hold (
  id uuid NOT NULL,
  tenant text NOT NULL,
  reference text COLLATE "C" NOT NULL,
  source_id bigint NOT NULL REFERENCES ledger.account,
  destination_id bigint NOT NULL REFERENCES ledger.account,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
  captured_minor bigint NOT NULL DEFAULT 0,
  currency text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'committed', 'voided', 'expired')),
  created_at timestamptz NOT NULL,
  expires_at timestamptz CHECK (expires_at > created_at),
  settled_at timestamptz,                               -- when it was committed, voided or expired
  transaction_id uuid,                                  -- what committing it posted
  metadata jsonb NOT NULL,
  PRIMARY KEY (id, tenant),
  UNIQUE (reference, tenant),
  FOREIGN KEY (transaction_id, tenant) REFERENCES ledger.transaction (id, tenant) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT hold_two_accounts CHECK (source_id <> destination_id),
  CONSTRAINT hold_captures_at_most_its_amount CHECK (captured_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT hold_committed_has_posted CHECK ((status = 'committed') = (captured_minor > 0) AND (status = 'committed') = (transaction_id IS NOT NULL)),
  CONSTRAINT hold_settled_once CHECK ((status = 'active') = (settled_at IS NULL)),
  CONSTRAINT hold_expired_is_not_committed CHECK (status <> 'committed' OR expires_at IS NULL OR settled_at < expires_at)
);
CREATE INDEX hold_active_source ON ledger.hold (source_id) WHERE status = 'active';
CREATE INDEX hold_active_destination ON ledger.hold (destination_id) WHERE status = 'active';
