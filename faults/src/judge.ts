import type { Client } from "pg";
import type { Entry } from "./history.ts";
import { settledAmount } from "./subject/contract.ts";

/** What was broken, each a count; all are 0 where every promise held. */
export interface Verdict {
  /** Operations that the client asked for. */
  readonly messages: number;
  /** Acknowledged, and without state, or without effect, or without its job's. */
  readonly lost: number;
  /** Second effects of one operation, or of its job. */
  readonly duplicated: number;
  /** Effects or state that nobody asked for, or effects without the state that they tell of. */
  readonly phantom: number;
  /** Effects that came after a later one of their counter. */
  readonly reordered: number;
  /** Runs of a job that began while another of it was under way and nothing was wrong but a clock. */
  readonly overlapping: number;
  /** Counters whose value is not the sum of their operations. */
  readonly unbalanced: number;
}

/** A span of the database's own clock. */
export interface Span {
  readonly from: Date;
  readonly to: Date;
}

export interface Exceptions {
  /** The counter whose events were dead letters and redriven: their order is given up by that. */
  readonly disordered: string;
  /** When nothing was wrong but a clock: what else breaks ends leases rightly. */
  readonly clockSpans: readonly Span[];
}

/** Compares the client's history with what is stored, by SQL alone. */
export async function judge(
  client: Client,
  history: readonly Entry[],
  { disordered, clockSpans }: Exceptions,
): Promise<Verdict> {
  const ids = (op: Entry["op"]) => [...new Set(history.filter((entry) => entry.op === op).map(({ id }) => id))];
  const invoked = ids("invoked");
  const count = async (sql: string, values: unknown[] = []) =>
    Number((await client.query<{ count: string }>(sql, values)).rows[0]?.count);
  return {
    messages: invoked.length,
    lost: await count(
      `SELECT count(*) FROM unnest($1::uuid[]) AS ok (id)
       WHERE NOT EXISTS (SELECT FROM register.operation AS o WHERE o.id = ok.id)
          OR NOT EXISTS (SELECT FROM register.effect AS e WHERE e.id = ok.id)
          OR EXISTS (SELECT FROM register.operation AS o WHERE o.id = ok.id AND o.amount = $2)
            AND NOT EXISTS (SELECT FROM register.settled AS s WHERE s.id = ok.id)`,
      [ids("ok"), settledAmount],
    ),
    duplicated: await count(
      `SELECT coalesce(sum(n - 1), 0) AS count FROM (SELECT count(*) AS n FROM register.effect GROUP BY id
         UNION ALL SELECT count(*) FROM register.settled GROUP BY id) AS e`,
    ),
    phantom: await count(
      `SELECT count(*) FROM (SELECT id FROM register.effect UNION SELECT id FROM register.settled UNION SELECT id FROM register.operation) AS there (id)
       WHERE NOT EXISTS (SELECT FROM unnest($1::uuid[]) AS asked (id) WHERE asked.id = there.id) OR NOT EXISTS (SELECT FROM register.operation AS o WHERE o.id = there.id)`,
      [invoked],
    ),
    reordered: await count(
      `SELECT count(*) FROM (SELECT counter, version, max(version) OVER (PARTITION BY counter ORDER BY position
         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM register.effect) AS e
       WHERE version <= before AND counter <> $1`,
      [disordered],
    ),
    overlapping: await count(
      `SELECT count(*) FROM unnest($1::timestamptz[], $2::timestamptz[]) AS span (opened, closed)
         JOIN register.run AS one ON one.began_at >= opened
         JOIN register.run AS other ON other.id = one.id AND other.position > one.position AND other.began_at < closed
       WHERE coalesce(one.ended_at, 'infinity') > other.began_at`,
      [clockSpans.map(({ from }) => from), clockSpans.map(({ to }) => to)],
    ),
    unbalanced: await count(
      `SELECT count(*) FROM register.counter AS c
       WHERE value <> (SELECT coalesce(sum(amount), 0) FROM register.operation AS o WHERE o.counter = c.name)`,
    ),
  };
}

/** Whether every promise held. */
export function isClean({ lost, duplicated, phantom, reordered, overlapping, unbalanced }: Verdict): boolean {
  return lost + duplicated + phantom + reordered + overlapping + unbalanced === 0;
}
