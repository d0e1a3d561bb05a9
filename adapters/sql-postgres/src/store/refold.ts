import { type Refold, storeFaults } from "@banyan/kernel/store";
import { budgetOf } from "../budget.ts";
import { type Statement, sql } from "../statement.ts";
import { Lane } from "./lane.ts";
import { type EventRow, storedEvent } from "./rows.ts";
import type { Runner } from "./runner.ts";

const PAGE = 1_000;
/** A page has to fit into memory, however long its events are. */
const PAGE_BYTES = 8_000_000;
/** Long enough for tens of millions of events; a stuck one must still end. */
const REFOLD_MS = 6 * 3_600_000;

interface Wanted {
  readonly subscriber: string;
  readonly types: readonly string[];
}

/**
 * Folds everything anew in one transaction, with deliveries to the subscriber shut out by its gate. What was committed before the
 * gate closed is stored here, or in the log, and folded; what commits later, be its `seq` smaller, is not in the inbox and is delivered.
 */
export async function refold(runner: Runner, wanted: Wanted, work: Refold): Promise<{ readonly foldedCount: number }> {
  const lane = new Lane(runner.pool, budgetOf(REFOLD_MS));
  try {
    // A statement of its own: the next ones must see what was committed while it waited.
    await lane.run(sql`SELECT banyan.close_gate(${wanted.subscriber})`);
    await refuseForgotten(lane, wanted);
    await forget(lane, wanted);
    await work.reset(lane.sql);
    const own = await foldOwn(lane, wanted, work);
    const others = await foldOthers(lane, wanted, work);
    await refuseMissing(lane, wanted);
    await lane.commit([]);
    return { foldedCount: own + others };
  } catch (error) {
    await lane.rollback();
    throw error;
  }
}

async function refuseForgotten(lane: Lane, { subscriber, types }: Wanted): Promise<void> {
  const { rows } =
    await lane.run(sql`SELECT 'events of ' || type AS what, until FROM banyan.dropped WHERE type = ANY (${types}::text[])
    UNION ALL SELECT 'the events of other databases that ' || subscriber || ' took', until FROM banyan.forgotten WHERE subscriber = ${subscriber}
    ORDER BY what`);
  const gone = rows as unknown as ReadonlyArray<{ readonly what: string; readonly until: Date }>;
  if (gone.length === 0) return;
  throw storeFaults.forgotten({
    what: gone.map(({ what }) => what).join(", "),
    before: Math.max(...gone.map(({ until }) => until.getTime())),
  });
}

/** Remembers which events of other databases the subscriber took: all of them must be folded again. */
async function forget(lane: Lane, { subscriber }: Wanted): Promise<void> {
  await lane.run(sql`CREATE TEMPORARY TABLE banyan_taken (event uuid PRIMARY KEY) ON COMMIT DROP`);
  await lane.run(sql`WITH gone AS (DELETE FROM banyan.inbox WHERE subscriber = ${subscriber} RETURNING event)
    INSERT INTO pg_temp.banyan_taken SELECT event FROM gone WHERE NOT EXISTS (SELECT FROM banyan.event WHERE id = gone.event)`);
  await lane.run(sql`DELETE FROM banyan.dead_letter WHERE subscriber = ${subscriber}`);
}

async function foldOwn(lane: Lane, { subscriber, types }: Wanted, work: Refold): Promise<number> {
  let after = 0;
  let foldedCount = 0;
  for (;;) {
    // `octet_length` of what lies apart is known without reading it.
    const { rows } = await lane.run(sql`SELECT seq, id, type, tenant, key, version, data, trace_id, metadata, at FROM (
        SELECT *, sum(octet_length(data)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - octet_length(data) AS bytes_before FROM (
          SELECT * FROM banyan.event WHERE seq > ${after} AND type = ANY (${types}::text[]) ORDER BY seq LIMIT ${PAGE}) AS following) AS page
      WHERE bytes_before < ${PAGE_BYTES} ORDER BY seq`);
    const page = rows as unknown as ReadonlyArray<EventRow & { readonly seq: number }>;
    const last = page.at(-1);
    if (last === undefined) return foldedCount;
    await lane.run(enterOwn(subscriber, page));
    await work.fold(lane.sql, page.map(storedEvent));
    after = last.seq;
    foldedCount += page.length;
  }
}

/** What the inbox has dropped cannot come again (it is sent, and no republishing reaches it): it needs no row. */
function enterOwn(subscriber: string, events: ReadonlyArray<EventRow & { readonly seq: number }>): Statement {
  return sql`WITH oldest AS MATERIALIZED (SELECT lower AS id FROM banyan.partition WHERE parent = 'inbox' ORDER BY lower LIMIT 1)
    INSERT INTO banyan.inbox (subscriber, event)
    SELECT ${subscriber}, given.event
    FROM oldest, unnest(${events.map(({ id }) => id)}::uuid[], ${events.map(({ seq }) => seq)}::bigint[]) AS given (event, seq)
    WHERE given.event >= oldest.id OR EXISTS (SELECT FROM banyan.unsent WHERE waiting @> given.seq)`;
}

/** The log has those of this database, too: what was not folded above has yet to be delivered. It may hold an event twice. */
async function foldOthers(lane: Lane, { subscriber }: Wanted, work: Refold): Promise<number> {
  let foldedCount = 0;
  for await (const page of work.kept?.() ?? []) {
    const { rows } =
      await lane.run(sql`WITH given AS MATERIALIZED (SELECT DISTINCT event FROM unnest(${page.map(({ id }) => id)}::uuid[]) AS g (event)),
        found AS (DELETE FROM pg_temp.banyan_taken AS t USING given WHERE t.event = given.event)
      INSERT INTO banyan.inbox (subscriber, event) SELECT ${subscriber}, event FROM given
      WHERE NOT EXISTS (SELECT FROM banyan.event WHERE id = given.event) ON CONFLICT DO NOTHING RETURNING event`);
    const fresh = new Set(rows.map(({ event }) => event as string));
    const events = page.filter(({ id }) => fresh.delete(id));
    if (events.length === 0) continue;
    await work.fold(lane.sql, events);
    foldedCount += events.length;
  }
  return foldedCount;
}

async function refuseMissing(lane: Lane, { subscriber }: Wanted): Promise<void> {
  const { rows } = await lane.run(
    sql`SELECT count(*) AS count, min(banyan.moment_of(event)) AS since FROM pg_temp.banyan_taken`,
  );
  const [missing] = rows as unknown as readonly [{ readonly count: number; readonly since: Date | null }];
  const { count, since } = missing;
  if (since !== null) throw storeFaults.missing({ subscriber, count, since: since.getTime() });
}
