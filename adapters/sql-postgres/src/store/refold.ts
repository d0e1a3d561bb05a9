import { type Refold, storeFaults } from "@banyan/kernel/store";
import { budgetOf } from "../budget.ts";
import { type Statement, sql } from "../statement.ts";
import { Lane } from "./lane.ts";
import { type EventRow, storedEvent } from "./rows.ts";
import type { Runner } from "./runner.ts";

const PAGE = 1_000;
/** Long enough for tens of millions of events; a stuck one must still end. */
const REFOLD_MS = 6 * 3_600_000;

/**
 * Folds the log anew in one transaction, with deliveries to the subscriber shut out by its gate. What was committed before the
 * gate closed is in the log and folded here; what commits later, be its `seq` smaller, is not in the inbox and is delivered.
 */
export async function refold(
  runner: Runner,
  { subscriber, types }: { readonly subscriber: string; readonly types: readonly string[] },
  work: Refold,
): Promise<{ readonly foldedCount: number }> {
  const lane = new Lane(runner.pool, budgetOf(REFOLD_MS));
  try {
    // A statement of its own: the next ones must see what was committed while it waited.
    await lane.run(sql`SELECT banyan.close_gate(${subscriber})`);
    await lane.run(sql`DELETE FROM banyan.inbox WHERE subscriber = ${subscriber}`);
    await lane.run(sql`DELETE FROM banyan.dead_letter WHERE subscriber = ${subscriber}`);
    const { rows: lost } = await lane.run(
      sql`SELECT type, until FROM banyan.dropped WHERE type = ANY (${types}::text[]) ORDER BY type`,
    );
    const gone = lost as unknown as ReadonlyArray<{ readonly type: string; readonly until: Date }>;
    if (gone.length > 0) {
      throw storeFaults.forgotten({
        what: `events of ${gone.map(({ type }) => type).join(", ")}`,
        before: Math.max(...gone.map(({ until }) => until.getTime())),
      });
    }
    await work.reset(lane.sql);
    let after = 0;
    let foldedCount = 0;
    for (;;) {
      const { rows } = await lane.run(sql`SELECT seq, id, type, tenant, key, version, data, trace_id, metadata, at
        FROM banyan.event WHERE seq > ${after} AND type = ANY (${types}::text[]) ORDER BY seq LIMIT ${PAGE}`);
      const page = rows as unknown as ReadonlyArray<EventRow & { readonly seq: number }>;
      const last = page.at(-1);
      if (last === undefined) break;
      await lane.run(enterAll(subscriber, page));
      await work.fold(lane.sql, page.map(storedEvent));
      after = last.seq;
      foldedCount += page.length;
    }
    await lane.commit([]);
    return { foldedCount };
  } catch (error) {
    await lane.rollback();
    throw error;
  }
}

/** What the inbox has dropped cannot come again (it is sent, and no republishing reaches it): it needs no row. */
function enterAll(subscriber: string, events: readonly EventRow[]): Statement {
  return sql`WITH oldest AS MATERIALIZED (SELECT lower AS id FROM banyan.partition WHERE parent = 'inbox' ORDER BY lower LIMIT 1)
    INSERT INTO banyan.inbox (subscriber, event)
    SELECT ${subscriber}, given.event FROM oldest, unnest(${events.map(({ id }) => id)}::uuid[]) AS given (event)
    WHERE given.event >= oldest.id OR given.event IN (SELECT event FROM banyan.unsent)`;
}
