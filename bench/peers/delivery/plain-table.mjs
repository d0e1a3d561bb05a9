import pg from "pg";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";

const insert = {
  name: "insert",
  text: "WITH woken AS (SELECT pg_notify('bench_plain', '')) INSERT INTO bench_plain.job (body) SELECT $1::jsonb FROM woken",
};
const claim = {
  name: "claim",
  text: `DELETE FROM bench_plain.job WHERE id IN
           (SELECT id FROM bench_plain.job ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING body`,
};

/** A table, one INSERT and NOTIFY per message, claimed by the hundred; the subscriber's own effect is left out in its favour. */
export async function open({ url }) {
  const pool = new pg.Pool({ connectionString: url, max: 12 });
  await pool.query(schema);
  const deliveries = trackDeliveries();
  await startWorker(pool, (message) => deliveries.done(message));
  return deliveries.methods(publishTo(pool));
}

/** In an empty table. */
export const schema = `
  DROP SCHEMA IF EXISTS bench_plain CASCADE;
  CREATE SCHEMA bench_plain;
  CREATE TABLE bench_plain.job (id bigserial PRIMARY KEY, body jsonb NOT NULL);`;

export const publishTo = (pool) => (message) => pool.query({ ...insert, values: [JSON.stringify(message)] });

export async function startWorker(pool, onDone) {
  const worker = await pool.connect();
  let wake = () => {};
  worker.on("notification", () => wake());
  await worker.query("LISTEN bench_plain");

  async function work() {
    for (;;) {
      const woken = new Promise((resolve) => {
        wake = resolve;
      });
      await worker.query("BEGIN");
      const { rows } = await worker.query(claim);
      await worker.query("COMMIT");
      for (const { body } of rows) onDone(body);
      if (rows.length === 0) await woken;
    }
  }
  work().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
