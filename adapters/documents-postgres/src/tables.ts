import type { Collection } from "@banyan/kernel/documents";

/** What the tables of a collection are called: those of "events.event" begin with `events_event`. */
export function tableOf({ name }: Collection): string {
  return name.replace(".", "_");
}

/** A column that repeats a field of the documents, so that it is indexed and asked for without reading them. */
export interface Column {
  readonly field: string;
  readonly name: string;
  readonly type: "text" | "bigint";
}

/** What the column of a field is called. Field names are letters and digits. */
export function columnOf(field: string): string {
  return `"document.${field}"`;
}

/** Those of a collection: what it is found by, and what it is ordered by. */
export function columnsOf({ indexes, order }: Collection): Column[] {
  return [
    ...indexes.map((field) => ({ field, name: columnOf(field), type: "text" as const })),
    ...order.map((field) => ({ field, name: columnOf(field), type: "bigint" as const })),
  ];
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

-- Repeats fields of the documents in columns, of those that are there, too: what was made before has none.
CREATE OR REPLACE FUNCTION documents.add_columns(name text, texts text[], numbers text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  added text;
  filled text;
BEGIN
  SELECT string_agg(format('ADD COLUMN %I %s', 'document.' || field, type), ', '),
    string_agg(format('ALTER COLUMN %I TYPE %s USING (document->>%L)::%2$s', 'document.' || field, type, field), ', ')
      || coalesce(', ' || string_agg(format('ALTER COLUMN %I SET NOT NULL', 'document.' || field), ', ') FILTER (WHERE type = 'bigint'), '')
  INTO added, filled
  FROM (SELECT unnest(texts) AS field, 'text' AS type UNION ALL SELECT unnest(numbers), 'bigint') AS wanted
  WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('documents.%I', name)::regclass AND attname = 'document.' || field);
  IF added IS NOT NULL THEN
    EXECUTE format('ALTER TABLE documents.%I %s', name, added);
    EXECUTE format('ALTER TABLE documents.%I %s', name, filled);
  END IF;
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
 * which has 20 bytes in an index where the key itself has 170 (measured with events). An index has the first field of the order, by which
 * a page is sorted almost, and what it is for out of a column: in batches of 100 an event of User Events costs the server 61 us of CPU in
 * all, and 74 with indexes on what is in the document and on the whole order, as tables had that were made before.
 */
export function tablesOf(collection: Collection): string {
  const table = tableOf(collection);
  const { indexes, order } = collection;
  const [first = ""] = order.map(columnOf);
  const literals = (fields: readonly string[]) => `ARRAY[${fields.map((field) => `'${field}'`).join(", ")}]::text[]`;
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
CREATE TABLE IF NOT EXISTS documents."${table}_other" PARTITION OF documents."${table}" DEFAULT;
DROP INDEX IF EXISTS documents."${table}_by_key";
${indexes.map((field) => `DROP INDEX IF EXISTS documents.${table}_by_${field};`).join("\n")}
SELECT documents.add_columns('${table}', ${literals(indexes)}, ${literals(order)});
CREATE INDEX IF NOT EXISTS "${table}_by_key_hash" ON documents."${table}" USING hash (key);
${indexes.map((field) => `CREATE INDEX IF NOT EXISTS "${table}_of_${field}" ON documents."${table}" (tenant, ${columnOf(field)}, ${first}) WHERE ${columnOf(field)} IS NOT NULL;`).join("\n")}`;
}
