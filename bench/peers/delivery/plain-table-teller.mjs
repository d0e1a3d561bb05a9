import pg from "pg";
import { publishAtPace } from "../../src/delivery/ages.ts";
import { publishTo } from "./plain-table.mjs";

/** The plain table's publisher in a process of its own. */
export async function open({ url }) {
  const pool = new pg.Pool({ connectionString: url, max: 12 });
  return { steady: publishAtPace(publishTo(pool)) };
}
