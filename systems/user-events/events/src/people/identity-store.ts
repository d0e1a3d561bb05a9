import type { Sql } from "@banyan/kernel";
import type { UserEvent } from "@banyan/user-events-formats";
import type { PlacedEvent } from "../event-store.ts";

interface Link {
  readonly id: string;
  readonly userId: string;
  readonly since: number;
}

/** Learns from events whose ids are whose; the order in which they come makes no difference. */
export async function learnIdentities(sql: Sql, tenant: string, stored: readonly PlacedEvent[]): Promise<void> {
  const links = stored.flatMap(({ event }) => linksOf(event));
  if (links.length === 0) return;
  await sql`
    INSERT INTO events.identity AS known (tenant, id, user_id, since)
    SELECT DISTINCT ON (id) ${tenant}, id, "userId", to_timestamp(since / 1000.0)
    FROM jsonb_to_recordset(${JSON.stringify(links)}::jsonb) AS link (id text, "userId" text, since bigint)
    ORDER BY id, since, "userId"
    ON CONFLICT (tenant, id) DO UPDATE SET user_id = excluded.user_id, since = excluded.since
      WHERE (excluded.since, excluded.user_id) < (known.since, known.user_id)`;
}

/** An event with both ids says that they are one person's; an alias says the same of the id that went before. */
function linksOf({ type, userId, anonymousId, properties, occurredAt: since }: UserEvent): Link[] {
  if (userId === null) return [];
  const { previousId } = properties;
  const before = type === "alias" && typeof previousId === "string" ? previousId : null;
  return [anonymousId, before].flatMap((id) => (id === null || id === userId ? [] : [{ id, userId, since }]));
}

/** Every id of the person behind one of them, in the order of their text. */
export async function selectIds(sql: Sql, tenant: string, id: string): Promise<{ person: string; ids: string[] }> {
  const [row] = await sql<{ person: string; ids: string[] }>`
    SELECT events.person_of(${tenant}, ${id}) AS person, events.ids_of(${tenant}, ${id}) AS ids`;
  return row as { person: string; ids: string[] };
}
