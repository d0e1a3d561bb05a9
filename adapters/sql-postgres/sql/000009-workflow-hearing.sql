-- From when on a run hears messages, by this server's clock: `started_at` is by the clock of the process that started it, which may be ahead.
ALTER TABLE banyan.workflow ADD COLUMN heard_from timestamptz;
UPDATE banyan.workflow SET heard_from = started_at;
ALTER TABLE banyan.workflow ALTER COLUMN heard_from SET NOT NULL;

CREATE OR REPLACE FUNCTION banyan.workflow_messages(runs text[]) RETURNS TABLE (run text, id text, topic bytea, data text, at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT s.run, m.id, m.topic, m.data, m.at
  FROM banyan.workflow_step s JOIN banyan.workflow w ON w.id = s.run JOIN banyan.workflow_message m ON m.topic = s.topic AND m.at >= w.heard_from
  WHERE s.run = ANY (runs) AND s.topic IS NOT NULL AND s.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM banyan.workflow_step t WHERE t.run = s.run AND t.message = m.id)
$$;
