-- An account's monitors as its row repeats them, null where it has none: said once, for who writes them there and for who verifies them.
CREATE FUNCTION ledger.monitors_of(of_account bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(jsonb_build_object('monitorId', m.id, 'reference', m.reference, 'direction', m.direction,
    'thresholdMinor', m.threshold_minor) ORDER BY m.id)
  FROM ledger.monitor AS m WHERE m.account_id = of_account
$$;

CREATE OR REPLACE FUNCTION ledger.repeat_monitors(of_account bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE ledger.account SET monitors = ledger.monitors_of(of_account) WHERE id = of_account
$$;
