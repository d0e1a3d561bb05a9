import type { Hearing, Outbox } from "@banyan/kernel/store";
import type { ConnectOptions } from "../connection.ts";
import { sql } from "../statement.ts";
import { lead } from "./lead.ts";
import { refold } from "./refold.ts";
import { type EventRow, storedEvent } from "./rows.ts";
import type { Runner } from "./runner.ts";

export function createOutbox(runner: Runner, connection: ConnectOptions, onAnnounced: Outbox["onAnnounced"]): Outbox {
  const { run } = runner;
  return {
    lead: (service, signal) => lead(connection, service, signal),
    /**
     * Free of gaps within a key: `seq` grows with the version, and a snapshot that shows a version shows those before it, since
     * each was committed before the next could take the lock of the key.
     */
    async unsent({ service, types }, limit) {
      const { rows } =
        await run(sql`SELECT e.id, e.type, e.tenant, e.key, e.version, e.data, e.trace_id, e.metadata, e.at
        FROM banyan.unsent u JOIN banyan.event e ON e.id = u.event
        WHERE u.service = ${service} AND (${only(types)}::text[] IS NULL OR e.type = ANY (${only(types)})) ORDER BY u.seq LIMIT ${limit}`);
      return (rows as unknown as readonly EventRow[]).map(storedEvent);
    },
    async markSent(service, eventIds) {
      if (eventIds.length === 0) return;
      await run(
        sql`DELETE FROM banyan.unsent WHERE service = ${service}
          AND seq IN (SELECT seq FROM banyan.event WHERE id = ANY (${eventIds}::uuid[]))`,
      );
    },
    async adopt(service, by) {
      await run(sql`WITH forgotten AS (DELETE FROM banyan.subscription WHERE service = ${service}),
          moved AS (DELETE FROM banyan.unsent WHERE service = ${service} RETURNING seq, event)
        INSERT INTO banyan.unsent (service, seq, event) SELECT ${by}, seq, event FROM moved ON CONFLICT DO NOTHING`);
    },
    async subscriptions() {
      const { rows } = await run(sql`SELECT service,
          coalesce((SELECT array_agg(type ORDER BY type) FROM banyan.subscription s WHERE s.service = known.service), '{}') AS types,
          waiting.*
        FROM (SELECT service FROM banyan.subscription UNION SELECT service FROM banyan.unsent) AS known,
          LATERAL (SELECT count(*) AS count,
              greatest(0, coalesce(extract(epoch FROM clock_timestamp() - min(e.at))::float8 * 1000, 0)) AS oldest_ms
            FROM banyan.unsent u JOIN banyan.event e ON e.id = u.event WHERE u.service = known.service) AS waiting
        ORDER BY service`);
      const found = rows as unknown as ReadonlyArray<{
        readonly service: string;
        readonly types: readonly string[];
        readonly count: number;
        readonly oldest_ms: number;
      }>;
      return found.map(({ service, types, count, oldest_ms }) => {
        return { service, types, unsentCount: count, oldestMs: oldest_ms };
      });
    },
    async forget(service) {
      const { rows } = await run(sql`WITH forgotten AS (DELETE FROM banyan.subscription WHERE service = ${service}),
          dropped AS (DELETE FROM banyan.unsent WHERE service = ${service} RETURNING seq)
        SELECT count(*) AS count FROM dropped`);
      return (rows as unknown as ReadonlyArray<{ readonly count: number }>)[0]?.count ?? 0;
    },
    onAnnounced,
    async backlog({ service, types }) {
      const { rows } = await run(sql`SELECT count(*) AS count,
          coalesce(extract(epoch FROM clock_timestamp() - min(e.at))::float8 * 1000, 0) AS oldest_ms
        FROM banyan.unsent u JOIN banyan.event e ON e.id = u.event
        WHERE u.service = ${service} AND (${only(types)}::text[] IS NULL OR e.type = ANY (${only(types)}))`);
      const [row] = rows as unknown as ReadonlyArray<{ count: number; oldest_ms: number }>;
      return { count: row?.count ?? 0, oldestMs: Math.max(0, row?.oldest_ms ?? 0) };
    },
    refold: (subscriber, types, work) => refold(runner, { subscriber, types }, work),
  };
}

const only = (types: Hearing["types"]): readonly string[] | null => (types === "all" ? null : types);
