-- A command that is a step of a run commits under the run's token, or not at all. The lock is held for the commit alone: nobody takes the run
-- over meanwhile. It raises, so that a COMMIT in the same batch is skipped.
CREATE FUNCTION banyan.hold_runs(runs text[], held_tokens bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM banyan.job j JOIN unnest(runs, held_tokens) AS given (id, token) ON j.id = given.id AND j.token = given.token
    WHERE j.dead_at IS NULL ORDER BY j.id FOR SHARE OF j;
  IF EXISTS (SELECT FROM unnest(runs, held_tokens) AS given (id, token)
    WHERE NOT EXISTS (SELECT FROM banyan.job j WHERE j.id = given.id AND j.token = given.token AND j.dead_at IS NULL)) THEN
    RAISE EXCEPTION 'a run is no longer held under its token' USING ERRCODE = 'BY001';
  END IF;
END $$;
