import type { Sql } from "@banyan/kernel";

/** What of the acts is looked at. Instants are in ISO 8601, `from` inclusive, `to` exclusive; a `source` of null is any. */
export interface Span {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly source: string | null;
}

/** Instants are milliseconds since 1970. */
export interface FoundSession {
  readonly person: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly events: number;
  readonly first: string;
  readonly last: string;
}

/** Half an hour, as all analytics have it since the first. */
const pauseMaxMinutes = 30;

/** Up to `limit` sessions that began in the span after a place, by their beginning. `person` of null is anybody. */
export function selectSessions(
  sql: Sql,
  { tenant, from, to, source }: Span,
  {
    person,
    after,
    limit,
  }: { person: string | null; after: Pick<FoundSession, "startedAt" | "person"> | null; limit: number },
): Promise<FoundSession[]> {
  return sql<FoundSession>`
    WITH marked AS (
      SELECT person, occurred_at, coalesce(name, type) AS did, event_id,
        coalesce(occurred_at - lag(occurred_at) OVER each > make_interval(mins => ${pauseMaxMinutes}), true) AS begins
      FROM events.acts_between(${tenant}, ${from}::timestamptz - interval '1 day', ${to}::timestamptz + interval '1 day', ${source})
      WHERE ${person}::text IS NULL OR person = events.person_of(${tenant}, ${person})
      WINDOW each AS (PARTITION BY person ORDER BY occurred_at, event_id)
    ), counted AS (
      SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY person ORDER BY occurred_at, event_id) AS session FROM marked
    ), session AS (
      SELECT person, (extract(epoch FROM min(occurred_at)) * 1000)::bigint AS "startedAt",
        (extract(epoch FROM max(occurred_at)) * 1000)::bigint AS "endedAt", count(*) AS events,
        (array_agg(did ORDER BY occurred_at, event_id))[1] AS first, (array_agg(did ORDER BY occurred_at DESC, event_id DESC))[1] AS last
      FROM counted GROUP BY person, session
      HAVING min(occurred_at) >= ${from}::timestamptz AND min(occurred_at) < ${to}::timestamptz
    )
    SELECT * FROM session
    WHERE ${after?.startedAt ?? null}::bigint IS NULL OR ("startedAt", person) > (${after?.startedAt ?? null}, ${after?.person ?? null})
    ORDER BY "startedAt", person LIMIT ${limit}`;
}

/** What one person did of a funnel's steps, in the order in which it happened. */
export interface Course {
  readonly names: readonly string[];
  readonly at: readonly number[];
}

/** The courses of everybody who did the first step. */
export function selectCourses(
  sql: Sql,
  { tenant, from, to, source }: Span,
  steps: readonly string[],
): Promise<Course[]> {
  return sql<Course>`
    SELECT array_agg(name ORDER BY occurred_at, event_id) AS names,
      array_agg((extract(epoch FROM occurred_at) * 1000)::float8 ORDER BY occurred_at, event_id) AS at
    FROM events.acts_between(${tenant}, ${from}, ${to}, ${source})
    WHERE type = 'track' AND name = ANY (${steps})
    GROUP BY person HAVING bool_or(name = ${steps[0]})`;
}

/** How many people first came in one period, and came in the one `later` periods after it. */
export interface Returning {
  readonly cohort: number;
  readonly later: number;
  readonly people: number;
}

/** Periods are counted from the span's beginning. */
export function selectReturning(sql: Sql, { tenant, from, to, source }: Span, periodMs: number): Promise<Returning[]> {
  return sql<Returning>`
    WITH came AS (
      SELECT DISTINCT person, floor(extract(epoch FROM occurred_at - ${from}::timestamptz) * 1000 / ${periodMs})::int AS period
      FROM events.acts_between(${tenant}, ${from}, ${to}, ${source})
    ), first AS (
      SELECT person, min(period) AS cohort FROM came GROUP BY person
    )
    SELECT cohort, period - cohort AS later, count(*) AS people FROM came JOIN first USING (person) GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** Counts of one period and kind of event. */
export interface Rollup {
  readonly startsAt: number;
  readonly source: string;
  readonly type: "track" | "identify" | "page" | "screen" | "group" | "alias";
  readonly name: string | null;
  readonly events: number;
  readonly people: number;
}

/** The largest `limit`, by when they begin. Pages and screens have as many names as a site, and count together. */
export function selectRollups(
  sql: Sql,
  { tenant, from, to, source }: Span,
  { every, type, limit }: { readonly every: "hour" | "day"; readonly type: string | null; readonly limit: number },
): Promise<Rollup[]> {
  return sql<Rollup>`
    WITH rollup AS (
      SELECT (extract(epoch FROM date_trunc(${every}, occurred_at, 'UTC')) * 1000)::bigint AS "startsAt", source, type,
        CASE type WHEN 'track' THEN name END AS name, count(*) AS events, count(DISTINCT person) AS people
      FROM events.acts_between(${tenant}, ${from}, ${to}, ${source})
      WHERE ${type}::text IS NULL OR type = ${type}
      GROUP BY 1, 2, 3, 4 ORDER BY events DESC LIMIT ${limit}
    )
    SELECT * FROM rollup ORDER BY "startsAt", source, type, name`;
}
