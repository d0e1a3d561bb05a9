import type { Sql } from "@banyan/kernel";
import type { DocumentSet } from "@banyan/kernel/documents";
import type { EventDocument } from "../event-store.ts";
import type { Traces } from "./actions.ts";

/*
 * A person's are the events under a user id of theirs, and under an anonymous id those that name no user. What somebody else did under
 * the same anonymous id, such as a guest at one laptop, is that user's.
 */
interface Whose {
  readonly tenant: string;
  readonly ids: readonly string[];
}

/** Where a person's events are, who goes by an id. */
function placesOf(id: string) {
  return [{ userId: id }, { userId: null, anonymousId: id }];
}

/** Deletes all that is kept under any of the ids, and answers what that was; of a refused event it stays that there was one of its id. */
export async function eraseIds(sql: Sql, stored: DocumentSet<EventDocument>, { tenant, ids }: Whose): Promise<Traces> {
  let events = 0;
  for (const where of ids.flatMap(placesOf)) events += await stored.delete(where);
  const [counts] = await sql<Omit<Traces, "events">>`
    WITH act AS (
      DELETE FROM events.act
      WHERE tenant = ${tenant} AND (user_id = ANY (${ids}) OR (user_id IS NULL AND anonymous_id = ANY (${ids}))) RETURNING 1
    ), bad AS (
      UPDATE events.bad_row
      SET event = NULL, raw = '"erased"', detail = 'erased', state = CASE state WHEN 'retrying' THEN 'dead' ELSE state END
      WHERE tenant = ${tenant} AND events.is_named_in(event, raw, ${ids}) RETURNING 1
    ), identity AS (
      DELETE FROM events.identity WHERE tenant = ${tenant} AND (id = ANY (${ids}) OR user_id = ANY (${ids})) RETURNING 1
    )
    SELECT (SELECT count(*) FROM act) AS acts, (SELECT count(*) FROM bad) AS "badRows", (SELECT count(*) FROM identity) AS identities`;
  return { events, ...(counts as Omit<Traces, "events">) };
}

/** Up to so many events are counted of each id: whether there are any is what is asked. */
const countedMax = 1_000;

/** How much is kept under any of the ids. */
export async function countTraces(
  sql: Sql,
  stored: DocumentSet<EventDocument>,
  { tenant, ids }: Whose,
): Promise<Traces> {
  let events = 0;
  for (const where of ids.flatMap(placesOf)) events += (await stored.find({ where, limit: countedMax })).length;
  const [counts] = await sql<Omit<Traces, "events">>`
    SELECT
      (SELECT count(*) FROM events.act
        WHERE tenant = ${tenant} AND (user_id = ANY (${ids}) OR (user_id IS NULL AND anonymous_id = ANY (${ids})))) AS acts,
      (SELECT count(*) FROM events.bad_row WHERE tenant = ${tenant} AND events.is_named_in(event, raw, ${ids})) AS "badRows",
      (SELECT count(*) FROM events.identity WHERE tenant = ${tenant} AND (id = ANY (${ids}) OR user_id = ANY (${ids}))) AS identities`;
  return { events, ...(counts as Omit<Traces, "events">) };
}
