import type { Sql } from "@banyan/kernel";

export type Outcome = "stored" | "duplicate" | "bad";

/** What is counted together. */
export interface RunOf {
  readonly tenant: string;
  readonly source: string;
  readonly run: string;
}

/** How many events of one source, run and partition had an outcome. Negative where one is taken back. */
export interface Counted {
  readonly source: string;
  readonly run: string;
  readonly outcome: Outcome;
  readonly partition: number;
  readonly count: number;
}

/** Adds to the counts; in one order, so that two transactions do not wait crosswise. */
export async function addTally(sql: Sql, tenant: string, counted: readonly Counted[]): Promise<void> {
  await sql`
    INSERT INTO events.tally AS tally (tenant, source, run, outcome, partition, count)
    SELECT ${tenant}, source, run, outcome, partition, sum(count)
    FROM jsonb_to_recordset(${JSON.stringify(counted)}::jsonb)
      AS counted (source text, run text, outcome text, partition smallint, count bigint)
    GROUP BY source, run, outcome, partition ORDER BY source, run, outcome, partition
    ON CONFLICT (tenant, source, run, outcome, partition) DO UPDATE SET count = tally.count + excluded.count`;
}

/** Moves the positions on by what was consumed. */
export async function addConsumed(sql: Sql, tenant: string, consumed: ReadonlyMap<number, number>): Promise<void> {
  await sql`
    INSERT INTO events.position AS position (tenant, partition, consumed)
    SELECT ${tenant}, partition, count
    FROM unnest(${[...consumed.keys()]}::smallint[], ${[...consumed.values()]}::bigint[]) AS given (partition, count)
    ORDER BY partition
    ON CONFLICT (tenant, partition) DO UPDATE SET consumed = position.consumed + excluded.consumed`;
}

/** How many events of each partition are stored, duplicates or bad. */
export function selectPositions(sql: Sql, tenant: string): Promise<{ partition: number; consumed: number }[]> {
  return sql<{ partition: number; consumed: number }>`
    SELECT partition, consumed FROM events.position WHERE tenant = ${tenant} ORDER BY partition`;
}

/** The outcomes of one run of a source. */
export async function selectTally(sql: Sql, { tenant, source, run }: RunOf): Promise<Record<Outcome, number>> {
  const rows = await sql<{ outcome: Outcome; count: number }>`
    SELECT outcome, sum(count)::bigint AS count FROM events.tally
    WHERE tenant = ${tenant} AND source = ${source} AND run = ${run} GROUP BY outcome`;
  return { stored: 0, duplicate: 0, bad: 0, ...Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count])) };
}

/** One partition's counts, and how many bad rows there are of all, as of one moment. */
export interface Books {
  readonly partitions: readonly {
    readonly partition: number;
    readonly consumed: number;
    readonly stored: number;
    readonly duplicate: number;
    readonly bad: number;
  }[];
  readonly badRowCount: number;
}

/** In one statement, which sees one moment. */
export async function selectBooks(sql: Sql, tenant: string): Promise<Books> {
  const [books] = await sql<Books>`
    SELECT
      (SELECT coalesce(jsonb_agg(one ORDER BY one.partition), '[]') FROM (
        SELECT partition, consumed,
          coalesce(sum(count) FILTER (WHERE outcome = 'stored'), 0) AS stored,
          coalesce(sum(count) FILTER (WHERE outcome = 'duplicate'), 0) AS duplicate,
          coalesce(sum(count) FILTER (WHERE outcome = 'bad'), 0) AS bad
        FROM events.position LEFT JOIN events.tally USING (tenant, partition)
        WHERE tenant = ${tenant} GROUP BY partition, consumed) AS one) AS partitions,
      (SELECT count(*) FROM events.bad_row WHERE tenant = ${tenant} AND state <> 'redriven') AS "badRowCount"`;
  return books as Books;
}
