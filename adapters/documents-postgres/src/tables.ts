import type { Collection } from "@banyan/kernel/documents";

/** What the tables of a collection are called: those of "events.event" begin with `events_event`. */
export function tableOf({ name }: Collection): string {
  return name.replace(".", "_");
}

/** A text field of the document, as it is indexed and asked for. Field names are letters and digits. */
export function textAt(field: string): string {
  return `(document->>'${field}')`;
}

/** A field of the order, likewise. */
export function numberAt(field: string): string {
  return `((document->>'${field}')::bigint)`;
}

/** One transaction at a time creates tables or days, in whichever process. */
export const schemaLock = "SELECT pg_advisory_xact_lock(hashtextextended('banyan documents', 0))";

/** The schema that all collections share, and what takes care of their days. */
export const schema = `
CREATE SCHEMA IF NOT EXISTS documents;

-- Makes the partitions of today and the days after it. Days are counted since 1970, in UTC. What waits for its lock longer holds up
-- all who come behind it.
CREATE OR REPLACE FUNCTION documents.add_days(name text, today integer) RETURNS void LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
  day integer;
BEGIN
  FOR day IN today .. today + 3 LOOP
    CONTINUE WHEN to_regclass(format('documents.%I', name || '_' || day)) IS NOT NULL;
    -- What came before its day was made stays where it is, and goes with its day document by document.
    EXECUTE format('CREATE TABLE documents.%I (LIKE documents.%I)', name || '_' || day, name);
    BEGIN
      EXECUTE format('ALTER TABLE documents.%I ATTACH PARTITION documents.%I FOR VALUES FROM (%s) TO (%s)', name, name || '_' || day, day, day + 1);
    EXCEPTION WHEN check_violation THEN
      EXECUTE format('DROP TABLE documents.%I', name || '_' || day);
    END;
  END LOOP;
END $$;

-- Drops the partitions of \`kept\` days ago and before.
CREATE OR REPLACE FUNCTION documents.drop_days(name text, today integer, kept integer) RETURNS void LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
  old text;
BEGIN
  FOR old IN
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = format('documents.%I', name)::regclass AND c.relname ~ ('^' || name || '_\\d+$')
      AND substring(c.relname FROM '\\d+$')::integer <= today - kept
  LOOP
    EXECUTE format('DROP TABLE documents.%I', old);
  END LOOP;
  EXECUTE format('DELETE FROM documents.%I WHERE day <= $1', name || '_other') USING today - kept;
END $$;`;

/**
 * What makes a collection. Its keys are not partitioned: one from long ago is still taken. By a key a document is found through its hash,
 * which has 20 bytes in an index where the key itself has 170 (measured with events); what was made before has an index of the keys.
 */
export function tablesOf(collection: Collection): string {
  const table = tableOf(collection);
  const order = collection.order.map(numberAt);
  const indexes = collection.indexes.map((field) => {
    return `CREATE INDEX IF NOT EXISTS ${table}_by_${field} ON documents."${table}" (tenant, ${[textAt(field), ...order].join(", ")})
      WHERE ${textAt(field)} IS NOT NULL;`;
  });
  return `
CREATE TABLE IF NOT EXISTS documents."${table}_key" (
  tenant text NOT NULL,
  key text NOT NULL,
  insertion text NOT NULL,
  day integer NOT NULL,
  PRIMARY KEY (tenant, key)
);
CREATE TABLE IF NOT EXISTS documents."${table}" (
  tenant text NOT NULL,
  key text NOT NULL,
  day integer NOT NULL,
  document jsonb NOT NULL
) PARTITION BY RANGE (day);
DROP INDEX IF EXISTS documents."${table}_by_key";
CREATE INDEX IF NOT EXISTS "${table}_by_key_hash" ON documents."${table}" USING hash (key);
${indexes.join("\n")}
CREATE TABLE IF NOT EXISTS documents."${table}_other" PARTITION OF documents."${table}" DEFAULT;`;
}
