import pg from "pg";
import { perSecond } from "../../src/loops.ts";

const insertRow = {
  name: "row",
  text: "INSERT INTO bench_by_hand.note (id, author, body) VALUES ($1, $2, $3)",
};
const insertEvent = {
  name: "event",
  text: "INSERT INTO bench_by_hand.event (id, type, key, data) VALUES ($1, $2, $3, $4)",
};

/** What a careful hand writes with `pg`: one transaction, each statement named and awaited; no idempotency key, no audit. */
export async function open({ url, clients }) {
  const pool = new pg.Pool({ connectionString: url, max: clients });
  await pool.query(`
    DROP SCHEMA IF EXISTS bench_by_hand CASCADE;
    CREATE SCHEMA bench_by_hand;
    CREATE TABLE bench_by_hand.note (id uuid PRIMARY KEY, author text NOT NULL, body text NOT NULL);
    CREATE TABLE bench_by_hand.event (
      id uuid PRIMARY KEY, type text NOT NULL, key text NOT NULL, data jsonb NOT NULL,
      recorded_at timestamptz NOT NULL DEFAULT now()
    );`);

  async function writeNote() {
    const note = { id: crypto.randomUUID(), author: "ada", body: "a note of some forty characters, as people write" };
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await client.query({ ...insertRow, values: [note.id, note.author, note.body] });
      await client.query({ ...insertEvent, values: [crypto.randomUUID(), "notes.written", note.author, JSON.stringify(note)] });
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
    return 1;
  }
  const written = async () => Number((await pool.query("SELECT count(*) FROM bench_by_hand.event")).rows[0].count);
  return { written, rate: (durationMs) => perSecond(writeNote, clients, durationMs) };
}
