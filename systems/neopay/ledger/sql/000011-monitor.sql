-- Thresholds of balances. Whoever crosses one says so in the commit that does: posting reads an account's monitors with its row, under the
-- lock that it takes anyway. There they are repeated, null for nearly all accounts, and written under the same lock alone.
CREATE TABLE ledger.monitor (
  id uuid NOT NULL,
  tenant text NOT NULL,
  reference text COLLATE "C" NOT NULL,
  account_id bigint NOT NULL REFERENCES ledger.account,
  direction text NOT NULL CHECK (direction IN ('below', 'above')),
  threshold_minor bigint NOT NULL CHECK (threshold_minor BETWEEN -9007199254740991 AND 9007199254740991),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (id, tenant),
  UNIQUE (reference, tenant)
);
CREATE INDEX monitor_by_account ON ledger.monitor (account_id, id);

CREATE VIEW ledger.monitor_now AS
  SELECT m.*, a.address AS account, a.currency, a.credits_minor - a.debits_minor AS balance_minor
  FROM ledger.monitor AS m JOIN ledger.account AS a ON a.id = m.account_id;

ALTER TABLE ledger.account ADD COLUMN monitors jsonb;

-- Repeats an account's monitors on its row, which the caller has locked.
CREATE FUNCTION ledger.repeat_monitors(of_account bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE ledger.account SET monitors = (
    SELECT jsonb_agg(jsonb_build_object('monitorId', m.id, 'reference', m.reference, 'direction', m.direction,
      'thresholdMinor', m.threshold_minor) ORDER BY m.id)
    FROM ledger.monitor AS m WHERE m.account_id = of_account)
  WHERE id = of_account
$$;
