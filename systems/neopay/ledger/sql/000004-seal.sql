-- A hash chain over the stored rows, sealed in blocks behind the postings, so that posting stays parallel.
--
-- leaf = sha256(0x00 || the stored transaction, then each posting, as PostgreSQL sends a row in binary), root = sha256(0x01 || root of the tenant's block before || its leaves).
-- The prefixes keep a leaf from passing for a root (RFC 9162, 2.1). A block covers every number above the block before it
-- up to `to_seq`; it keeps each leaf, so that a changed row is named and not only noticed.
CREATE TABLE ledger.seal (
  tenant text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  from_seq bigint NOT NULL,                             -- exclusive
  to_seq bigint NOT NULL,                               -- inclusive
  seqs bigint[] NOT NULL,
  leaves bytea[] NOT NULL,
  root bytea NOT NULL,
  sealed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, number),
  CHECK (from_seq < to_seq),
  CHECK (cardinality(seqs) = cardinality(leaves) AND cardinality(seqs) > 0)
);

-- One row: every number up to `sealed_seq` is in a seal or belongs to nothing.
CREATE TABLE ledger.seal_horizon (is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only), sealed_seq bigint NOT NULL);
INSERT INTO ledger.seal_horizon (sealed_seq) VALUES (0);

-- The leaves of stored transactions, in order. Addresses stand for account numbers, so that two accounts cannot trade places.
CREATE FUNCTION ledger.leaves(after_seq bigint, to_seq bigint) RETURNS TABLE (tenant text, seq bigint, leaf bytea)
LANGUAGE sql STABLE AS $$
  -- A row's binary form has the length of each value before it, so that no two rows look alike. It takes two thirds of JSON's time.
  SELECT t.tenant, t.seq, sha256('\x00'::bytea
    || record_send(ROW(t.tenant, t.seq, t.id, t.reference, t.effective_at, t.recorded_at, t.reverts_id, t.metadata))
    || coalesce(string_agg(record_send(ROW(p.leg, p.tenant, s.address, d.address, p.amount_minor, p.currency, p.effective_at,
      p.source_entry, p.source_after_minor, p.destination_entry, p.destination_after_minor)), ''::bytea ORDER BY p.leg)
      FILTER (WHERE p.seq IS NOT NULL), ''))
  FROM ledger.transaction AS t
  LEFT JOIN ledger.posting AS p ON p.seq = t.seq
  LEFT JOIN ledger.account AS s ON s.id = p.source_id
  LEFT JOIN ledger.account AS d ON d.id = p.destination_id
  WHERE t.seq > after_seq AND t.seq <= to_seq
  GROUP BY t.seq
  ORDER BY t.seq
$$;

-- Whether sealing can wait: much has come since, it still comes, and none of it has waited for half a minute.
-- Hashing a transaction takes a third of the time of posting it; a rush of them is over sooner without.
CREATE FUNCTION ledger.is_rush(at timestamptz, sealed bigint) RETURNS boolean
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
  SELECT s.last_value - sealed > 2000
    AND (SELECT t.recorded_at FROM ledger.transaction AS t WHERE t.seq > sealed ORDER BY t.seq DESC LIMIT 1) > at - interval '3 seconds'
    AND (SELECT t.recorded_at FROM ledger.transaction AS t WHERE t.seq > sealed ORDER BY t.seq LIMIT 1) > at - interval '30 seconds'
  FROM ledger.transaction_seq AS s
$$;

-- Seals up to `limit_seqs` numbers more, a block per tenant, and answers how many numbers that were: none during a rush; null when
-- another call is under way, or the postings under way did not end within half a second.
--
-- By index, whatever statistics say: a plan that was made while the tables were small would be kept.
--
-- Numbers are drawn before they commit, so the highest visible one says nothing of those below it. For the moment of
-- reading the sequence, no posting may be between drawing and committing: each holds lock (1818584167, 1) in shared
-- mode. The inner block is rolled back to give that lock back at once; a variable survives it.
CREATE FUNCTION ledger.seal(at timestamptz, limit_seqs bigint) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '500ms'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  sealed bigint;
  decided bigint;
BEGIN
  SELECT sealed_seq INTO STRICT sealed FROM ledger.seal_horizon FOR UPDATE;
  IF ledger.is_rush(at, sealed) THEN RETURN 0; END IF;
  BEGIN
    PERFORM pg_advisory_xact_lock(1818584167, 1);
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO decided FROM ledger.transaction_seq;
    RAISE EXCEPTION 'decided' USING ERRCODE = 'LG001';
  EXCEPTION WHEN SQLSTATE 'LG001' THEN NULL;
  END;
  decided := least(decided, sealed + limit_seqs);
  IF decided <= sealed THEN RETURN 0; END IF;

  WITH block AS (
    SELECT l.tenant, array_agg(l.seq) AS seqs, array_agg(l.leaf) AS leaves, string_agg(l.leaf, ''::bytea) AS bytes
    FROM (SELECT * FROM ledger.leaves(sealed, decided) ORDER BY tenant, seq) AS l GROUP BY l.tenant
  ), written AS (
    INSERT INTO ledger.seal (tenant, number, from_seq, to_seq, seqs, leaves, root, sealed_at)
    SELECT b.tenant, coalesce(p.number, 0) + 1, coalesce(p.to_seq, 0), decided, b.seqs, b.leaves,
      sha256('\x01'::bytea || coalesce(p.root, ''::bytea) || b.bytes), at
    FROM block AS b
    LEFT JOIN LATERAL (SELECT * FROM ledger.seal AS s WHERE s.tenant = b.tenant ORDER BY s.number DESC LIMIT 1) AS p ON true
  )
  UPDATE ledger.seal_horizon SET sealed_seq = decided;
  RETURN decided - sealed;
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END $$;

-- Every place where a tenant's books do not hold: `seq` names a transaction, `account` an account, `rule` what is broken.
CREATE FUNCTION ledger.breaks(of_tenant text) RETURNS TABLE (seq bigint, account text, rule text)
LANGUAGE sql STABLE SET plan_cache_mode = force_custom_plan SET work_mem = '64MB' SET jit = off AS $$
  WITH seal AS (
    SELECT s.*, lag(s.number, 1, 0) OVER by_number AS number_before, lag(s.to_seq, 1, 0) OVER by_number AS to_seq_before,
      lag(s.root, 1, ''::bytea) OVER by_number AS root_before
    FROM ledger.seal AS s WHERE s.tenant = of_tenant WINDOW by_number AS (ORDER BY s.number)
  ), sealed AS (
    SELECT u.seq, u.leaf FROM seal, unnest(seal.seqs, seal.leaves) AS u (seq, leaf)
  ), present AS (
    SELECT l.seq, l.leaf FROM ledger.leaves(0, (SELECT coalesce(max(to_seq), 0) FROM seal)) AS l WHERE l.tenant = of_tenant
  ), entry AS (
    SELECT p.seq, p.source_id AS account_id, p.source_entry AS entry, - p.amount_minor AS change_minor, p.source_after_minor AS after_minor
    FROM ledger.posting AS p WHERE p.tenant = of_tenant
    UNION ALL
    SELECT p.seq, p.destination_id, p.destination_entry, p.amount_minor, p.destination_after_minor
    FROM ledger.posting AS p WHERE p.tenant = of_tenant
  ), running AS (
    SELECT e.seq, e.account_id, e.entry, e.after_minor,
      lag(e.after_minor, 1, 0) OVER by_entry + e.change_minor AS due_minor, lag(e.entry, 1, 0) OVER by_entry + 1 AS due_entry
    FROM entry AS e WINDOW by_entry AS (PARTITION BY e.account_id ORDER BY e.entry)
  ), folded AS (
    SELECT e.account_id, count(*) AS entry_count, - sum(least(e.change_minor, 0)) AS debits_minor, sum(greatest(e.change_minor, 0)) AS credits_minor
    FROM entry AS e GROUP BY e.account_id
  ), held AS (
    SELECT h.account_id, sum(h.debit) AS debit_minor, sum(h.credit) AS credit_minor
    FROM (
      SELECT source_id AS account_id, amount_minor AS debit, 0 AS credit FROM ledger.hold WHERE tenant = of_tenant AND status = 'active'
      UNION ALL
      SELECT destination_id, 0, amount_minor FROM ledger.hold WHERE tenant = of_tenant AND status = 'active'
    ) AS h GROUP BY h.account_id
  )
  SELECT coalesce(sealed.seq, present.seq), NULL::text,
    CASE WHEN present.seq IS NULL THEN 'deleted after sealing' WHEN sealed.seq IS NULL THEN 'inserted after sealing' ELSE 'edited after sealing' END
  FROM sealed FULL JOIN present ON present.seq = sealed.seq
  WHERE sealed.leaf IS DISTINCT FROM present.leaf
  UNION ALL
  SELECT seal.seqs[1], NULL, 'seal ' || seal.number || ' does not follow from its leaves and the seal before'
  FROM seal
  WHERE seal.number <> seal.number_before + 1 OR seal.from_seq <> seal.to_seq_before OR seal.root IS DISTINCT FROM (
    SELECT sha256('\x01'::bytea || seal.root_before || string_agg(u.leaf, ''::bytea ORDER BY u.seq)) FROM unnest(seal.seqs, seal.leaves) AS u (seq, leaf))
  UNION ALL
  SELECT r.seq, a.address, CASE WHEN r.entry <> r.due_entry THEN 'an entry before this one is missing' ELSE 'balance after the entry is not the one before plus the amount' END
  FROM running AS r LEFT JOIN ledger.account AS a ON a.id = r.account_id
  WHERE r.entry <> r.due_entry OR r.after_minor <> r.due_minor
  UNION ALL
  SELECT p.seq, NULL, 'posting does not fit its transaction or its accounts' FROM ledger.posting AS p
  LEFT JOIN ledger.transaction AS t ON t.seq = p.seq
  LEFT JOIN ledger.account AS s ON s.id = p.source_id
  LEFT JOIN ledger.account AS d ON d.id = p.destination_id
  WHERE p.tenant = of_tenant AND ((t.tenant, t.effective_at) IS DISTINCT FROM (p.tenant, p.effective_at)
    OR (s.tenant, s.currency) IS DISTINCT FROM (p.tenant, p.currency) OR (d.tenant, d.currency) IS DISTINCT FROM (p.tenant, p.currency))
  UNION ALL
  SELECT t.seq, NULL, 'transaction without postings' FROM ledger.transaction AS t
  WHERE t.tenant = of_tenant AND NOT EXISTS (SELECT FROM ledger.posting AS p WHERE p.seq = t.seq)
  UNION ALL
  SELECT NULL, a.address, 'account is not the sum of its postings and holds'
  FROM ledger.account AS a LEFT JOIN folded AS f ON f.account_id = a.id LEFT JOIN held AS h ON h.account_id = a.id
  WHERE a.tenant = of_tenant AND (a.entry_count, a.debits_minor, a.credits_minor, a.pending_debit_minor, a.pending_credit_minor)
    IS DISTINCT FROM (coalesce(f.entry_count, 0), coalesce(f.debits_minor, 0), coalesce(f.credits_minor, 0), coalesce(h.debit_minor, 0), coalesce(h.credit_minor, 0))
$$;
