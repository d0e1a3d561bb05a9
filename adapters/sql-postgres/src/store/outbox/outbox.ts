import type { Hearing, Outbox } from "@banyan/kernel/store";
import { sql } from "../../statement.ts";
import type { Leads } from "../lead.ts";
import { refold } from "../refold.ts";
import { type EventRow, storedEvent } from "../rows.ts";
import type { Runner } from "../runner.ts";
import { blockOf } from "./emission.ts";

export function createOutbox(runner: Runner, leads: Leads, onAnnounced: Outbox["onAnnounced"]): Outbox {
  const { run } = runner;
  return {
    lead: leads.lead,
    /**
     * Free of gaps within a key: `seq` grows with the version, and a snapshot that shows a version shows those before it, since
     * each was committed before the next could take the lock of the key.
     */
    async unsent({ service, types }, most, known) {
      const { blocks, parts } = byBlock(known);
      const knownOf = JSON.stringify(Object.fromEntries(blocks.map((block, index) => [block, parts[index]])));
      // A row of the outbox at a time, however many there are: known numbers are looked up, not joined; OFFSET has what is wanted of a row
      // computed once, not for each event (of 2,000 with scattered numbers 177 ms, and 6 so); LIMIT, as many as a block has, rules out other joins.
      // `octet_length` of what lies apart is known without reading it.
      const { rows } = await run(sql`SELECT * FROM (
          SELECT e.*, sum(octet_length(e.data)) OVER (ORDER BY u.block, e.seq ROWS UNBOUNDED PRECEDING) - octet_length(e.data) AS bytes_before
          FROM banyan.unsent u,
            LATERAL (SELECT u.waiting - coalesce((${knownOf}::jsonb ->> u.block::text)::int8multirange, '{}') AS wanted OFFSET 0) AS w,
            LATERAL (SELECT seq, id, type, tenant, key, version, data, trace_id, metadata, at FROM banyan.event
              WHERE id BETWEEN u.first_id AND u.last_id AND seq BETWEEN lower(w.wanted) AND upper(w.wanted) AND seq <@ w.wanted
                AND (${only(types)}::text[] IS NULL OR type = ANY (${only(types)})) LIMIT 1024) AS e
          WHERE u.service = ${service} AND NOT isempty(w.wanted) ORDER BY u.block, e.seq LIMIT ${most.count}) AS page
        WHERE bytes_before < ${most.bytes} ORDER BY seq`);
      return (rows as unknown as ReadonlyArray<EventRow & { readonly seq: number }>).map((row) => {
        return { ...storedEvent(row), seq: row.seq };
      });
    },
    async markSent(service, seqs) {
      if (seqs.length === 0) return;
      const { blocks, parts } = byBlock(seqs);
      // Not waited for until it is on disk: a mark that a crash takes back brings an event again that the inbox knows.
      await run(sql`WITH sent AS MATERIALIZED (
          SELECT s.* FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unsynced,
            unnest(${blocks}::bigint[], ${parts}::int8multirange[]) AS s (block, part)),
          ended AS (DELETE FROM banyan.unsent u USING sent s WHERE u.service = ${service} AND u.block = s.block AND u.waiting <@ s.part)
        UPDATE banyan.unsent u SET waiting = u.waiting - s.part FROM sent s
        WHERE u.service = ${service} AND u.block = s.block AND NOT u.waiting <@ s.part`);
    },
    async adopt(service, by) {
      await run(sql`WITH forgotten AS (DELETE FROM banyan.subscription WHERE service = ${service}),
          moved AS (DELETE FROM banyan.unsent WHERE service = ${service} RETURNING *)
        INSERT INTO banyan.unsent AS u (service, block, waiting, first_id, last_id)
        SELECT ${by}, block, waiting, first_id, last_id FROM moved
        ON CONFLICT (service, block) DO UPDATE SET waiting = u.waiting + excluded.waiting`);
    },
    async subscriptions() {
      const { rows } = await run(sql`SELECT service,
          coalesce((SELECT array_agg(type ORDER BY type) FROM banyan.subscription s WHERE s.service = known.service), '{}') AS types,
          waiting.*
        FROM (SELECT service FROM banyan.subscription UNION SELECT service FROM banyan.unsent) AS known,
          LATERAL (SELECT count(*) AS count,
              greatest(0, coalesce(extract(epoch FROM clock_timestamp() - min(e.at))::float8 * 1000, 0)) AS oldest_ms
            FROM banyan.unsent u, LATERAL (SELECT at, type FROM banyan.event
              WHERE id BETWEEN u.first_id AND u.last_id AND seq <@ u.waiting ORDER BY id LIMIT 1024) AS e WHERE u.service = known.service) AS waiting
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
          dropped AS (DELETE FROM banyan.unsent WHERE service = ${service} RETURNING waiting)
        SELECT coalesce(sum(banyan.size_of(waiting)), 0)::bigint AS count FROM dropped`);
      return (rows as unknown as ReadonlyArray<{ readonly count: number }>)[0]?.count ?? 0;
    },
    onAnnounced,
    async backlog({ service, types }) {
      // The LIMIT, as many as a block has, makes it a look per row: joined, 210,000 took over ten seconds in a log that had just grown.
      const { rows } = await run(sql`SELECT count(*) AS count,
          coalesce(extract(epoch FROM clock_timestamp() - min(e.at))::float8 * 1000, 0) AS oldest_ms
        FROM banyan.unsent u, LATERAL (SELECT at, type FROM banyan.event
              WHERE id BETWEEN u.first_id AND u.last_id AND seq <@ u.waiting ORDER BY id LIMIT 1024) AS e
        WHERE u.service = ${service} AND (${only(types)}::text[] IS NULL OR e.type = ANY (${only(types)}))`);
      const [row] = rows as unknown as ReadonlyArray<{ count: number; oldest_ms: number }>;
      return { count: row?.count ?? 0, oldestMs: Math.max(0, row?.oldest_ms ?? 0) };
    },
    refold: (subscriber, types, work) => refold(runner, { subscriber, types }, work),
  };
}

const only = (types: Hearing["types"]): readonly string[] | null => (types === "all" ? null : types);

/** The numbers by the block that they lie in, as multiranges: those in a row are one range. */
function byBlock(seqs: readonly number[]) {
  const parts = new Map<number, { readonly from: number; until: number }[]>();
  for (const seq of Float64Array.from(seqs).sort()) {
    const block = blockOf(seq);
    const ranges = parts.get(block);
    const last = ranges?.at(-1);
    if (last?.until === seq) last.until++;
    else if (ranges !== undefined) ranges.push({ from: seq, until: seq + 1 });
    else parts.set(block, [{ from: seq, until: seq + 1 }]);
  }
  const textOf = (ranges: readonly { from: number; until: number }[]) =>
    `{${ranges.map(({ from, until }) => `[${from},${until})`).join()}}`;
  return { blocks: [...parts.keys()], parts: [...parts.values()].map(textOf) };
}
