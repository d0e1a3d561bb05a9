-- Whose inbox has forgotten events of other databases, and up to when: a projection of theirs cannot be folded anew, since nobody could
-- tell whether the log still holds all that it took. (Of events of this database `dropped` tells.)
CREATE TABLE banyan.forgotten (
  subscriber text PRIMARY KEY,
  until timestamptz NOT NULL
);

-- Drops the oldest partition where it ended before `until`, another follows (its end says where the next begins) and nothing in
-- it is unsent. Answers 'dropped', 'held' or 'kept'.
CREATE OR REPLACE FUNCTION banyan.drop_partition(of_parent text, until timestamptz) RETURNS text LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
  oldest banyan.partition;
BEGIN
  SELECT * INTO oldest FROM banyan.partition WHERE parent = of_parent ORDER BY lower LIMIT 1;
  IF oldest.upper > banyan.first_id(until)
    OR NOT EXISTS (SELECT FROM banyan.partition WHERE parent = of_parent AND lower = oldest.upper) THEN RETURN 'kept'; END IF;
  IF EXISTS (SELECT FROM banyan.unsent WHERE event >= oldest.lower AND event < oldest.upper) THEN RETURN 'held'; END IF;
  -- From here on nothing is added to it.
  EXECUTE format('LOCK TABLE banyan.%I IN SHARE MODE', oldest.name);
  IF of_parent = 'event' THEN
    EXECUTE format('INSERT INTO banyan.dropped AS d (type, until) SELECT type, max(at) FROM banyan.%I GROUP BY type
      ON CONFLICT (type) DO UPDATE SET until = greatest(d.until, excluded.until)', oldest.name);
  ELSE
    EXECUTE format('INSERT INTO banyan.forgotten AS f (subscriber, until) SELECT DISTINCT subscriber, banyan.moment_of($2) FROM banyan.%I AS i
      WHERE NOT EXISTS (SELECT FROM banyan.event AS e WHERE e.id = i.event AND e.id >= $1 AND e.id < $2)
      ON CONFLICT (subscriber) DO UPDATE SET until = greatest(f.until, excluded.until)', oldest.name) USING oldest.lower, oldest.upper;
  END IF;
  EXECUTE format('LOCK TABLE banyan.%I IN ACCESS EXCLUSIVE MODE', of_parent);
  -- Whoever made something in it wait again has committed by now.
  IF EXISTS (SELECT FROM banyan.unsent WHERE event >= oldest.lower AND event < oldest.upper) THEN
    RAISE EXCEPTION 'events of % are sent again', oldest.name USING ERRCODE = 'lock_not_available';
  END IF;
  EXECUTE format('DROP TABLE banyan.%I', oldest.name);
  DELETE FROM banyan.partition WHERE name = oldest.name;
  RETURN 'dropped';
END $$;

-- Whoever waits long at a gate is told that another is in the way. Waiting on, until the delivery's time was up, looked like a
-- handler that is too slow: live events were buried while a rebuild took minutes.
CREATE FUNCTION banyan.wait_at_gate(subscriber text) RETURNS void LANGUAGE sql SET lock_timeout = '5s' AS $$
  SELECT pg_advisory_xact_lock_shared(1650552441, hashtext(subscriber))
$$;
CREATE OR REPLACE FUNCTION banyan.enter_gate(subscriber text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(1650552441, hashtext(subscriber)) THEN PERFORM banyan.wait_at_gate(subscriber); END IF;
END $$;
