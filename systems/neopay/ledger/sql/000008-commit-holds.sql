-- Writes that holds were committed, what is held on of them as holds of their own, and what their accounts have pending afterwards. The
-- holds and accounts are locked by the caller, who posts what was captured. A reference that another session commits meanwhile raises
-- 40001: run the whole transaction again. Plans are made as for ledger.record.
CREATE FUNCTION ledger.commit_holds(
  of_tenant text, at timestamptz,
  hold_id uuid[], hold_captured bigint[], hold_transaction uuid[], hold_rest uuid[], hold_rest_reference text[],
  account_id bigint[], account_pending_debits bigint[], account_pending_credits bigint[]
) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  placed bigint;
BEGIN
  INSERT INTO ledger.hold (id, tenant, reference, source_id, destination_id, amount_minor, currency, created_at, expires_at, metadata)
  SELECT u.rest, h.tenant, u.reference, h.source_id, h.destination_id, h.amount_minor - u.captured, h.currency, at, h.expires_at, h.metadata
  FROM unnest(hold_id, hold_captured, hold_rest, hold_rest_reference) AS u (id, captured, rest, reference)
  JOIN ledger.hold AS h ON h.id = u.id AND h.tenant = of_tenant
  WHERE u.rest IS NOT NULL
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS placed = ROW_COUNT;
  IF placed < cardinality(array_remove(hold_rest, NULL)) THEN
    RAISE EXCEPTION 'another session committed a reference of this call meanwhile' USING ERRCODE = '40001';
  END IF;

  UPDATE ledger.hold AS h
  SET status = 'committed', captured_minor = u.captured, transaction_id = u.transaction, rest_id = u.rest, settled_at = at
  FROM unnest(hold_id, hold_captured, hold_transaction, hold_rest) AS u (id, captured, transaction, rest)
  WHERE h.id = u.id AND h.tenant = of_tenant;

  UPDATE ledger.account AS a SET pending_debit_minor = u.debits, pending_credit_minor = u.credits
  FROM unnest(account_id, account_pending_debits, account_pending_credits) AS u (id, debits, credits)
  WHERE a.id = u.id;
END $$;
