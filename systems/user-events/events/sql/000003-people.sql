-- Whose an id is: that of somebody unknown who turned out to be a user, or of a user who goes by another id now. Of several owners the one who was
-- named by the earliest event counts, so that it does not matter in which order events come.
CREATE TABLE events.identity (
  tenant text NOT NULL,
  id text NOT NULL,
  user_id text NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX ON events.identity (tenant, user_id);

-- The person behind an id: follows its owners to the last one. Of owners in a circle it is the first by name.
CREATE FUNCTION events.person_of(of_tenant text, of_id text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  path text[] := ARRAY[of_id];
  owner text;
BEGIN
  LOOP
    owner := (SELECT user_id FROM events.identity WHERE tenant = of_tenant AND id = path[cardinality(path)]);
    IF owner IS NULL THEN
      RETURN path[cardinality(path)];
    ELSIF owner = ANY (path) THEN
      RETURN (SELECT min(one) FROM unnest(path[array_position(path, owner):]) AS one);
    END IF;
    path := path || owner;
  END LOOP;
END $$;

-- Every id that leads to the person behind an id, itself among them.
CREATE FUNCTION events.ids_of(of_tenant text, of_id text) RETURNS text[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE one (id) AS (
    SELECT events.person_of(of_tenant, of_id)
    UNION
    SELECT identity.id FROM one JOIN events.identity ON tenant = of_tenant AND user_id = one.id
  )
  SELECT array_agg(id ORDER BY id) FROM one
$$;

-- Acts of a time with the person behind each: who was known counts for that user, all others for whom they turned out to be.
CREATE FUNCTION events.acts_between(of_tenant text, first timestamptz, until timestamptz, of_source text)
RETURNS TABLE (person text, source text, event_id text, type text, name text, occurred_at timestamptz) LANGUAGE sql STABLE AS $$
  WITH found AS MATERIALIZED (
    SELECT coalesce(user_id, anonymous_id) AS id, source, event_id, type, name, occurred_at FROM events.act
    WHERE tenant = of_tenant AND occurred_at >= first AND occurred_at < until AND (of_source IS NULL OR source = of_source)
  ), people AS MATERIALIZED (
    SELECT id, events.person_of(of_tenant, id) AS person FROM (SELECT DISTINCT id FROM found) AS ids
  )
  SELECT person, source, event_id, type, name, occurred_at FROM found JOIN people USING (id)
$$;

-- Whether what was refused names one of the ids: as what was read of it, or as a text in quotes of what could not be.
CREATE FUNCTION events.is_named_in(event jsonb, raw text, ids text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT event ->> 'userId' = ANY (ids) IS TRUE OR event ->> 'anonymousId' = ANY (ids) IS TRUE
    OR EXISTS (SELECT FROM unnest(ids) AS id WHERE position('"' || id || '"' IN replace(raw, '\"', '"')) > 0)
$$;
