import pg from "pg";
import { keepAges } from "../../src/delivery/ages.ts";
import { schema, startWorker } from "./plain-table.mjs";

/** The plain table's subscriber in a process of its own. */
export async function open({ url }) {
  const pool = new pg.Pool({ connectionString: url, max: 12 });
  await pool.query(schema);
  const ages = keepAges();
  await startWorker(pool, ages.done);
  return ages.methods;
}
