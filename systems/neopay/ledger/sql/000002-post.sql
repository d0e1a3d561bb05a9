-- What posting does to the tables, in two steps of one transaction: lock and look, then record. The rules stand between the two,
-- in src/transaction/books.ts: as a loop in this language they took as long as everything else that the server does.
--
-- Plans are made once and by index, whatever statistics say: one that was made while the tables were small would be kept.

-- The accounts that exist, locked in the order of their addresses: two transactions cannot wait for each other.
CREATE FUNCTION ledger.lock_accounts(of_tenant text, addresses text[]) RETURNS SETOF ledger.account
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY SELECT * FROM ledger.account AS a
    WHERE a.tenant = of_tenant AND a.address = ANY (addresses) ORDER BY a.address FOR NO KEY UPDATE;
END $$;

-- The references that are taken. A statement later than the locks: its snapshot is younger than they are.
CREATE FUNCTION ledger.taken(of_tenant text, wanted text[]) RETURNS TABLE (reference text, id uuid)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY SELECT t.reference, t.id FROM ledger.transaction AS t WHERE t.tenant = of_tenant AND t.reference = ANY (wanted);
END $$;

-- Numbers for as many transactions, growing. Until the transaction ends the sealer does not read how far they have been drawn:
-- see ledger.seal.
CREATE FUNCTION ledger.draw(amount integer) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1818584167, 1);
  RETURN ARRAY(SELECT nextval('ledger.transaction_seq') FROM generate_series(1, amount));
END $$;

-- Writes transactions with their legs, and the accounts as they are afterwards. Both accounts of each leg are locked by the caller.
-- A reference or revert that another session commits meanwhile raises 40001: run the whole transaction again.
CREATE FUNCTION ledger.record(
  of_tenant text, at timestamptz,
  item_seq bigint[], item_id uuid[], item_reference text[], item_effective_at timestamptz[], item_reverts uuid[], item_metadata jsonb[],
  leg_seq bigint[], leg_number integer[], leg_source bigint[], leg_destination bigint[], leg_amount bigint[], leg_currency text[],
  leg_effective_at timestamptz[], source_entry bigint[], source_after bigint[], destination_entry bigint[], destination_after bigint[],
  account_id bigint[], account_entries bigint[], account_debits bigint[], account_credits bigint[]
) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  -- The accounts stay out of this inner block: updating in it what was locked outside leaves each row with two owners.
  BEGIN
    INSERT INTO ledger.transaction (seq, tenant, id, reference, effective_at, recorded_at, reverts_id, metadata)
    SELECT u.seq, of_tenant, u.id, u.reference, coalesce(u.effective_at, at), at, u.reverts_id, coalesce(u.metadata, '{}')
    FROM unnest(item_seq, item_id, item_reference, item_effective_at, item_reverts, item_metadata)
      AS u (seq, id, reference, effective_at, reverts_id, metadata);
  EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another session committed a reference or revert of this call meanwhile' USING ERRCODE = '40001';
  END;

  INSERT INTO ledger.posting (seq, leg, tenant, source_id, destination_id, amount_minor, currency, effective_at,
    source_entry, source_after_minor, destination_entry, destination_after_minor)
  SELECT u.seq, u.number, of_tenant, u.source, u.destination, u.amount, u.currency, coalesce(u.effective_at, at),
    u.source_entry, u.source_after, u.destination_entry, u.destination_after
  FROM unnest(leg_seq, leg_number, leg_source, leg_destination, leg_amount, leg_currency, leg_effective_at,
      source_entry, source_after, destination_entry, destination_after)
    AS u (seq, number, source, destination, amount, currency, effective_at, source_entry, source_after, destination_entry, destination_after);

  UPDATE ledger.account AS a SET entry_count = u.entries, debits_minor = u.debits, credits_minor = u.credits
  FROM unnest(account_id, account_entries, account_debits, account_credits) AS u (id, entries, debits, credits)
  WHERE a.id = u.id;
END $$;
