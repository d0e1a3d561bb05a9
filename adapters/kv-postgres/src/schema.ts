/** One process at a time creates. */
export const schemaLock = "SELECT pg_advisory_xact_lock(hashtextextended('banyan kv', 0))";

/**
 * What makes the keys and values. The tables are unlogged: what changes in them is not written ahead, and a server that crashes empties
 * them. Fences come from a sequence, which is not forgotten.
 */
export const schema = `
CREATE SCHEMA IF NOT EXISTS kv;
CREATE SEQUENCE IF NOT EXISTS kv.fence;
CREATE UNLOGGED TABLE IF NOT EXISTS kv.value (
  space text, key text, value text NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (space, key)
) WITH (fillfactor = 70);
CREATE UNLOGGED TABLE IF NOT EXISTS kv.counter (
  space text, key text, value bigint NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (space, key)
) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE IF NOT EXISTS kv.bucket (
  space text, key text, tokens double precision NOT NULL, at timestamptz NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (space, key)
) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE IF NOT EXISTS kv.lock (
  space text, key text, fence bigint NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (space, key)
) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE IF NOT EXISTS kv.score (
  space text, board text, member text COLLATE "C", score double precision NOT NULL, PRIMARY KEY (space, board, member)
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS score_by_rank ON kv.score (space, board, score DESC, member DESC);

-- Answers milliseconds to wait, 0 where the tokens were taken. What a bucket is full with is its capacity, so a full one may be forgotten.
CREATE OR REPLACE FUNCTION kv.take(of_space text, of_key text, wanted double precision, capacity double precision, per_second double precision)
RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  now timestamptz := clock_timestamp();
  kept kv.bucket;
  available double precision;
BEGIN
  INSERT INTO kv.bucket VALUES (of_space, of_key, capacity, now, now) ON CONFLICT DO NOTHING;
  SELECT * INTO kept FROM kv.bucket WHERE space = of_space AND key = of_key FOR UPDATE;
  now := greatest(clock_timestamp(), kept.at);
  available := least(capacity, kept.tokens + extract(epoch FROM now - kept.at) * per_second);
  IF available < least(wanted, capacity) THEN
    RETURN ceil((least(wanted, capacity) - available) / per_second * 1000);
  END IF;
  available := available - wanted;
  UPDATE kv.bucket SET tokens = available, at = now, expires_at = now + (capacity - available) / per_second * interval '1 s'
  WHERE space = of_space AND key = of_key;
  RETURN 0;
END $$;`;

/** Tables whose rows are over by themselves. */
export const expiring = ["value", "counter", "bucket", "lock"] as const;
