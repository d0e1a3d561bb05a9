-- Movements of one tenant that begin, and that end, each with its payment. The caller holds the payments locked. Rows are found by their
-- keys whatever the planner knows of the tables: while they are small, its plans read them whole, and are kept. Arrays that are unnested
-- in a select list hide the tenant, of which alone it would make a condition of the index.
CREATE FUNCTION payments.begin_movements(
  of_tenant text, at timestamptz, payment_id uuid[], movement_id uuid[], kinds text[], amounts bigint[], fees bigint[]
) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  INSERT INTO payments.movement (id, tenant, payment_id, kind, amount_minor, fee_minor, begun_at)
  SELECT unnest(movement_id), of_tenant, unnest(begin_movements.payment_id), unnest(kinds), unnest(amounts), unnest(fees), at;

  UPDATE payments.payment AS p SET pending_kind = g.kind, pending_id = g.movement, pending_minor = g.amount
  FROM (SELECT of_tenant AS tenant, unnest(begin_movements.payment_id) AS id, unnest(movement_id) AS movement, unnest(kinds) AS kind,
      unnest(amounts) AS amount) AS g
  WHERE p.id = g.id AND p.tenant = g.tenant;
END $$;

CREATE FUNCTION payments.end_movements(
  of_tenant text, at timestamptz, movement_id uuid[], endings text[], reasons text[], transactions uuid[],
  payment_id uuid[], statuses text[], authorized bigint[], captured bigint[], refunded bigint[], authorization_refs text[]
) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  UPDATE payments.movement AS m SET status = g.ending, reason = g.reason, transaction_id = g.transaction, ended_at = at
  FROM (SELECT of_tenant AS tenant, unnest(movement_id) AS id, unnest(endings) AS ending, unnest(reasons) AS reason,
      unnest(transactions) AS transaction) AS g
  WHERE m.id = g.id AND m.tenant = g.tenant;

  UPDATE payments.payment AS p
  SET status = g.status, authorized_minor = g.authorized, captured_minor = g.captured, refunded_minor = g.refunded,
    pending_kind = NULL, pending_id = NULL, pending_minor = 0, reason = g.reason, authorization_ref = g.authorization_ref
  FROM (SELECT of_tenant AS tenant, unnest(end_movements.payment_id) AS id, unnest(statuses) AS status, unnest(end_movements.authorized) AS authorized,
      unnest(end_movements.captured) AS captured, unnest(end_movements.refunded) AS refunded, unnest(reasons) AS reason,
      unnest(authorization_refs) AS authorization_ref) AS g
  WHERE p.id = g.id AND p.tenant = g.tenant;
END $$;
