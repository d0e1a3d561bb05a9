import type { Client } from "pg";
import type { Entry } from "./history.ts";

/** What was broken, each a count; all are 0 where every promise held. */
export interface Verdict {
  /** Operations that the client asked for. */
  readonly messages: number;
  /** Acknowledged, and without state, or without effect and not a dead letter either. */
  readonly lost: number;
  /** Second effects of one operation. */
  readonly duplicated: number;
  /** Effects or state that nobody asked for, or effects without the state that they tell of. */
  readonly phantom: number;
  /** Effects that came after a later one of their counter. */
  readonly reordered: number;
  /** Counters whose value is not the sum of their operations. */
  readonly unbalanced: number;
}

/**
 * Compares the client's history with what is stored, by SQL alone. `exceptOrder` names the counter whose events were dead letters and
 * redriven: their order is given up by that.
 */
export async function judge(client: Client, history: readonly Entry[], exceptOrder: string): Promise<Verdict> {
  const ids = (op: Entry["op"]) => [...new Set(history.filter((entry) => entry.op === op).map(({ id }) => id))];
  const invoked = ids("invoked");
  const count = async (sql: string, values: unknown[] = []) =>
    Number((await client.query<{ count: string }>(sql, values)).rows[0]?.count);
  return {
    messages: invoked.length,
    lost: await count(
      `SELECT count(*) FROM unnest($1::uuid[]) AS ok (id)
       WHERE NOT EXISTS (SELECT FROM register.operation AS o WHERE o.id = ok.id)
          OR NOT EXISTS (SELECT FROM register.effect AS e WHERE e.id = ok.id)`,
      [ids("ok")],
    ),
    duplicated: await count(
      "SELECT coalesce(sum(n - 1), 0) AS count FROM (SELECT count(*) AS n FROM register.effect GROUP BY id) AS e",
    ),
    phantom: await count(
      `SELECT count(*) FROM (SELECT id FROM register.effect UNION SELECT id FROM register.operation) AS there (id)
       WHERE NOT EXISTS (SELECT FROM unnest($1::uuid[]) AS asked (id) WHERE asked.id = there.id) OR NOT EXISTS (SELECT FROM register.operation AS o WHERE o.id = there.id)`,
      [invoked],
    ),
    reordered: await count(
      `SELECT count(*) FROM (SELECT counter, version, max(version) OVER (PARTITION BY counter ORDER BY position
         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM register.effect) AS e
       WHERE version <= before AND counter <> $1`,
      [exceptOrder],
    ),
    unbalanced: await count(
      `SELECT count(*) FROM register.counter AS c
       WHERE value <> (SELECT coalesce(sum(amount), 0) FROM register.operation AS o WHERE o.counter = c.name)`,
    ),
  };
}

/** Whether every promise held. */
export function isClean({ lost, duplicated, phantom, reordered, unbalanced }: Verdict): boolean {
  return lost + duplicated + phantom + reordered + unbalanced === 0;
}
