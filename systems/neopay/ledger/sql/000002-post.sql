-- Posts many transactions in one call, in order, each with its own verdict; later ones see the effects of earlier ones.
--
-- Accounts come as a list without repetition; legs name them by their place in it, and their transaction by its place.
-- `item_earlier` is the place of the nearest earlier item with the same reference, or 0.
-- The floor holds for a transaction's net effect: the order of its legs does not matter.
-- Verdicts, first match wins: duplicateReference, accountNotFound, accountClosed, currencyMismatch, selfTransfer,
-- insufficientFunds, amountOverflow; with `all_or_none`, one refusal leaves every other item `notPosted` and nothing is written;
-- with `dry_run`, nothing is written in any case.
-- A reference or revert that another session commits meanwhile raises 40001: run the whole transaction again.
CREATE FUNCTION ledger.post(
  of_tenant text, at timestamptz, all_or_none boolean, dry_run boolean, addresses text[],
  item_id uuid[], item_reference text[], item_earlier integer[], item_effective_at timestamptz[], item_metadata jsonb[], item_reverts uuid[],
  leg_item integer[], leg_source integer[], leg_destination integer[], leg_amount bigint[], leg_currency text[]
) RETURNS TABLE (seq bigint, verdict text, account text, available_minor bigint, existing_id uuid)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  max_minor CONSTANT bigint := 9007199254740991;
  account_ids bigint[]; currencies text[]; is_open boolean[]; floors bigint[]; entries bigint[];
  debits bigint[]; credits bigint[]; held_debits bigint[]; held_credits bigint[];
  opening_entries bigint[];
  existing jsonb;
  items CONSTANT integer := cardinality(item_id);
  legs CONSTANT integer := cardinality(leg_item);
  item_seq bigint[] := array_fill(NULL::bigint, ARRAY[items]);
  item_verdict text[] := array_fill(NULL::text, ARRAY[items]);
  item_account text[] := item_verdict;
  item_available bigint[] := item_seq;
  item_existing uuid[] := array_fill(NULL::uuid, ARRAY[items]);
  holder integer[] := array_fill(0, ARRAY[items]);
  leg_seq bigint[] := array_fill(NULL::bigint, ARRAY[legs]); leg_number integer[] := array_fill(0, ARRAY[legs]);
  source_entry bigint[] := leg_seq; source_after bigint[] := leg_seq;
  destination_entry bigint[] := leg_seq; destination_after bigint[] := leg_seq;
  leg integer := 1; first_leg integer; last_leg integer; applied boolean;
  source integer; destination integer; amount bigint; fault text; at_account integer; earlier integer; next_seq bigint;
  accepted integer := 0;
BEGIN
  -- While this is held, the sealer does not read how far numbers have been drawn: see ledger.seal.
  PERFORM pg_advisory_xact_lock_shared(1818584167, 1);

  WITH locked AS MATERIALIZED (
    SELECT * FROM ledger.account AS a WHERE a.tenant = of_tenant AND a.address = ANY (addresses) ORDER BY a.address FOR NO KEY UPDATE
  )
  SELECT array_agg(a.id ORDER BY n), array_agg(a.currency ORDER BY n), array_agg(a.status = 'open' ORDER BY n),
    array_agg(a.floor_minor ORDER BY n), array_agg(a.entry_count ORDER BY n), array_agg(a.debits_minor ORDER BY n),
    array_agg(a.credits_minor ORDER BY n), array_agg(a.pending_debit_minor ORDER BY n), array_agg(a.pending_credit_minor ORDER BY n)
  INTO account_ids, currencies, is_open, floors, entries, debits, credits, held_debits, held_credits
  -- LEFT would do; but a FULL join is never a nested loop, however few rows the planner expects.
  FROM unnest(addresses) WITH ORDINALITY AS wanted (address, n) FULL JOIN locked AS a ON a.address = wanted.address;
  opening_entries := entries;

  -- A statement of its own: its snapshot is younger than the locks.
  SELECT jsonb_object_agg(t.reference, t.id) INTO existing
  FROM ledger.transaction AS t WHERE t.tenant = of_tenant AND t.reference = ANY (item_reference);

  FOR item IN 1..items LOOP
    fault := NULL; at_account := NULL; first_leg := leg; applied := false;
    earlier := item_earlier[item];
    IF earlier > 0 AND holder[earlier] > 0 THEN
      holder[item] := holder[earlier];
      fault := 'duplicateReference';
      item_existing[item] := item_id[holder[earlier]];
    ELSIF existing ? item_reference[item] THEN
      fault := 'duplicateReference';
      item_existing[item] := existing ->> item_reference[item];
    END IF;
    WHILE leg <= legs AND leg_item[leg] = item LOOP
      IF fault IS NULL THEN
        source := leg_source[leg]; destination := leg_destination[leg];
        IF account_ids[source] IS NULL THEN fault := 'accountNotFound'; at_account := source;
        ELSIF account_ids[destination] IS NULL THEN fault := 'accountNotFound'; at_account := destination;
        ELSIF NOT is_open[source] THEN fault := 'accountClosed'; at_account := source;
        ELSIF NOT is_open[destination] THEN fault := 'accountClosed'; at_account := destination;
        ELSIF currencies[source] <> leg_currency[leg] THEN fault := 'currencyMismatch'; at_account := source;
        ELSIF currencies[destination] <> leg_currency[leg] THEN fault := 'currencyMismatch'; at_account := destination;
        ELSIF source = destination THEN fault := 'selfTransfer'; at_account := source;
        END IF;
      END IF;
      leg := leg + 1;
    END LOOP;
    last_leg := leg - 1;

    IF fault IS NULL THEN
      applied := true;
      FOR n IN first_leg..last_leg LOOP
        source := leg_source[n]; destination := leg_destination[n]; amount := leg_amount[n];
        debits[source] := debits[source] + amount;
        credits[destination] := credits[destination] + amount;
        entries[source] := entries[source] + 1;
        entries[destination] := entries[destination] + 1;
        source_entry[n] := entries[source];
        destination_entry[n] := entries[destination];
        source_after[n] := credits[source] - debits[source];
        destination_after[n] := credits[destination] - debits[destination];
      END LOOP;
      FOR n IN first_leg..last_leg LOOP
        source := leg_source[n]; destination := leg_destination[n];
        IF credits[source] - debits[source] - held_debits[source] < floors[source] THEN
          fault := 'insufficientFunds'; at_account := source;
        ELSIF debits[source] + held_debits[source] > max_minor THEN
          fault := 'amountOverflow'; at_account := source;
        ELSIF credits[destination] + held_credits[destination] > max_minor THEN
          fault := 'amountOverflow'; at_account := destination;
        END IF;
        EXIT WHEN fault IS NOT NULL;
      END LOOP;
    END IF;

    IF fault IS NULL THEN
      accepted := accepted + 1;
      holder[item] := item;
      next_seq := nextval('ledger.transaction_seq');
      item_seq[item] := next_seq;
      FOR n IN first_leg..last_leg LOOP leg_seq[n] := next_seq; leg_number[n] := n - first_leg + 1; END LOOP;
      CONTINUE;
    END IF;

    IF applied THEN
      FOR n IN first_leg..last_leg LOOP
        source := leg_source[n]; destination := leg_destination[n]; amount := leg_amount[n];
        debits[source] := debits[source] - amount;
        credits[destination] := credits[destination] - amount;
        entries[source] := entries[source] - 1;
        entries[destination] := entries[destination] - 1;
      END LOOP;
    END IF;
    item_verdict[item] := fault;
    IF at_account IS NOT NULL THEN
      item_account[item] := addresses[at_account];
      item_available[item] := credits[at_account] - debits[at_account] - held_debits[at_account];
    END IF;
  END LOOP;

  IF dry_run OR (all_or_none AND accepted < items) THEN
    RETURN QUERY SELECT NULL::bigint, coalesce(v, 'notPosted'), a, m, e
      FROM unnest(item_verdict, item_account, item_available, item_existing) AS u (v, a, m, e);
    RETURN;
  END IF;

  BEGIN
    INSERT INTO ledger.transaction (seq, tenant, id, reference, effective_at, recorded_at, reverts_id, metadata)
    SELECT u.seq, of_tenant, u.id, u.reference, coalesce(u.effective_at, at), at, u.reverts_id, u.metadata
    FROM unnest(item_seq, item_id, item_reference, item_effective_at, item_reverts, item_metadata)
      AS u (seq, id, reference, effective_at, reverts_id, metadata)
    WHERE u.seq IS NOT NULL;
  EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another session committed a reference or revert of this call meanwhile' USING ERRCODE = '40001';
  END;

  INSERT INTO ledger.posting (seq, leg, tenant, source_id, destination_id, amount_minor, currency, effective_at,
    source_entry, source_after_minor, destination_entry, destination_after_minor)
  SELECT u.seq, u.number, of_tenant, account_ids[u.source], account_ids[u.destination], u.amount, u.currency,
    coalesce(item_effective_at[u.item], at), u.source_entry, u.source_after, u.destination_entry, u.destination_after
  FROM unnest(leg_seq, leg_number, leg_item, leg_source, leg_destination, leg_amount, leg_currency, source_entry, source_after, destination_entry, destination_after)
    AS u (seq, number, item, source, destination, amount, currency, source_entry, source_after, destination_entry, destination_after)
  WHERE u.seq IS NOT NULL;

  UPDATE ledger.account AS a SET debits_minor = u.debits, credits_minor = u.credits, entry_count = u.entries
  FROM unnest(account_ids, debits, credits, entries, opening_entries) AS u (id, debits, credits, entries, opening)
  WHERE a.id = u.id AND u.entries > u.opening;

  RETURN QUERY SELECT s, v, a, m, e
    FROM unnest(item_seq, item_verdict, item_account, item_available, item_existing) AS u (s, v, a, m, e);
END $$;
