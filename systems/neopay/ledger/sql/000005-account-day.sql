-- Projection of ledger.posted: what an account's entries of one day of effect (UTC) add up to.
-- While the counts of an account's days add up to its entry_count, none is missing, and a balance at the end of a day is
-- the sum of days instead of the sum of entries.
CREATE TABLE ledger.account_day (
  account_id bigint NOT NULL,
  day date NOT NULL,
  entry_count bigint NOT NULL,
  debits_minor bigint NOT NULL,
  credits_minor bigint NOT NULL,
  PRIMARY KEY (account_id, day)
) WITH (fillfactor = 70);

-- An account's balance at an instant by effective_at: both sides are read from the covering indexes alone.
CREATE FUNCTION ledger.balance_at(of_account bigint, at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT ((SELECT coalesce(sum(amount_minor), 0) FROM ledger.posting WHERE destination_id = of_account AND effective_at <= at)
    - (SELECT coalesce(sum(amount_minor), 0) FROM ledger.posting WHERE source_id = of_account AND effective_at <= at))::bigint
$$;
