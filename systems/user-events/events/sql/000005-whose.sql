-- The same as before; and an event that was read is its user's: of somebody else it is not, though it came from under the same anonymous id.
CREATE OR REPLACE FUNCTION events.is_named_in(event jsonb, raw text, ids text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(event ->> 'userId', event ->> 'anonymousId') = ANY (ids) IS TRUE
    OR EXISTS (SELECT FROM unnest(ids) AS id WHERE position('"' || id || '"' IN replace(raw, '\"', '"')) > 0
      OR (id ~ '^\d+$' AND replace(raw, '\"', '"') ~ ('"(?:userId|anonymousId|previousId)"\s*:\s*' || id || '\s*[,}]')))
$$;
