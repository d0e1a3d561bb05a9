import { randomUUID } from "node:crypto";
import pg from "pg";
import { batch, batchCount } from "../../src/events/event-bodies.ts";
import { perSecond } from "../../src/loops.ts";

const schema = `
  DROP SCHEMA IF EXISTS bench_rows CASCADE;
  CREATE SCHEMA bench_rows;
  CREATE TABLE bench_rows.event (source text, event_id text, type text, name text, user_id text, anonymous_id text, occurred_at bigint,
    received_at bigint, properties jsonb, context jsonb, PRIMARY KEY (source, event_id));
  CREATE INDEX ON bench_rows.event (type, occurred_at);
  CREATE INDEX ON bench_rows.event (anonymous_id, occurred_at);
  CREATE INDEX ON bench_rows.event (user_id, occurred_at) WHERE user_id IS NOT NULL;`;

/** The same events in rows with a key and the indexes that reading needs: each batch one INSERT of as many rows, and a commit. */
export async function open({ url, callers }) {
  const pool = new pg.Pool({ connectionString: url, max: callers });
  await pool.query(schema);
  const columns = 10;
  const rows = Array.from({ length: batchCount }, (_, row) => {
    return `(${Array.from({ length: columns }, (_, column) => `$${row * columns + column + 1}`).join(",")})`;
  });
  const text = `INSERT INTO bench_rows.event VALUES ${rows.join(",")} ON CONFLICT DO NOTHING`;
  const insert = async () => {
    // Parsing is part of it: whoever takes events gets them as text.
    const values = JSON.parse(batch).batch.flatMap(({ type, event, anonymousId, timestamp, properties, context }) => {
      const at = Date.parse(timestamp);
      return ["bench", randomUUID(), type, event, null, anonymousId, at, Date.now(), JSON.stringify(properties), JSON.stringify(context)];
    });
    await pool.query({ name: "insert", text, values });
    return batchCount;
  };
  return { rate: (durationMs) => perSecond(insert, callers, durationMs), close: () => pool.end() };
}
