-- The same as before; and ids that were sent as numbers count, which stand without quotes in what could not be read.
CREATE OR REPLACE FUNCTION events.is_named_in(event jsonb, raw text, ids text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT event ->> 'userId' = ANY (ids) IS TRUE OR event ->> 'anonymousId' = ANY (ids) IS TRUE
    OR EXISTS (SELECT FROM unnest(ids) AS id WHERE position('"' || id || '"' IN replace(raw, '\"', '"')) > 0
      OR (id ~ '^\d+$' AND replace(raw, '\"', '"') ~ ('"(?:userId|anonymousId|previousId)"\s*:\s*' || id || '\s*[,}]')))
$$;

-- Acts are stored in about the order in which they were received, and go in it.
CREATE INDEX ON events.act USING brin (received_at) WITH (pages_per_range = 16);
