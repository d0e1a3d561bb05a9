import type { Sql } from "@banyan/kernel";
import type { Outcome } from "../tally-store.ts";

/** How many events had each outcome, of all sources and runs. */
export async function selectOutcomes(sql: Sql, tenant: string): Promise<Record<Outcome, number>> {
  const rows = await sql<{ outcome: Outcome; count: number }>`
    SELECT outcome, sum(count)::bigint AS count FROM events.tally WHERE tenant = ${tenant} GROUP BY outcome`;
  return { stored: 0, duplicate: 0, bad: 0, ...Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count])) };
}
