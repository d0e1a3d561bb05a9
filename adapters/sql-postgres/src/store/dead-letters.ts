import type { DeadLetter, DeadLetters } from "@banyan/kernel/store";
import { type Statement, sql } from "../statement.ts";
import { Lane } from "./lane.ts";
import { type EventRow, storedEvent } from "./rows.ts";
import type { Runner } from "./runner.ts";
import { commit } from "./transactions.ts";

interface LetterRow extends EventRow {
  readonly letter_id: string;
  readonly subscriber: string;
  readonly attempts: number;
  readonly error: string;
  readonly buried_at: Date;
  readonly position: number;
}

export function createDeadLetters(runner: Runner): DeadLetters {
  return {
    async bury(subscriber, event, ...[attempts, error]) {
      // One transaction: the inbox row says that this was the first to end the event, and then the letter is stored.
      const { count } = await runner.run(sql`WITH gate AS MATERIALIZED (SELECT banyan.enter_gate(${subscriber})),
          entered AS (
            INSERT INTO banyan.inbox (subscriber, event) SELECT ${subscriber}, ${event.id}::uuid FROM gate
            ON CONFLICT DO NOTHING RETURNING event)
        INSERT INTO banyan.dead_letter (subscriber, event, type, tenant, key, version, data, trace_id, metadata, emitted_at, attempts, error)
        SELECT ${subscriber}, event, ${event.type}, ${event.tenant}, ${event.key}, ${event.version}, ${event.data}, ${event.traceId},
          ${event.metadata}, ${new Date(event.at)}, ${attempts}::int, ${error} FROM entered`);
      return count > 0;
    },
    async list({ subscriber, limit, after }) {
      const { rows } =
        await runner.run<LetterRow>(sql`SELECT id::text AS letter_id, subscriber, attempts, error, at AS buried_at, position,
          event AS id, type, tenant, key, version, data, trace_id, metadata, emitted_at AS at
        FROM banyan.dead_letter
        WHERE (${subscriber ?? null}::text IS NULL OR subscriber = ${subscriber ?? null})
          AND (${after ?? null}::bigint IS NULL OR position < ${after ?? null}::bigint)
        ORDER BY position DESC LIMIT ${limit}`);
      return rows.map(deadLetter);
    },
    async beginRedrive(id, budget) {
      if (!isLetterId(id)) return undefined;
      const lane = new Lane(runner.pool, budget);
      const opened = await lane.open([takeOut(id)]).catch(async (error: unknown) => {
        await lane.rollback();
        throw error;
      });
      const [row] = (opened[0]?.rows ?? []) as unknown as readonly LetterRow[];
      if (row === undefined) {
        await lane.rollback();
        return undefined;
      }
      const transaction = {
        sql: lane.sql,
        commit: (closing: Parameters<typeof commit>[2]["closing"]) =>
          commit(runner, lane, { closing, before: [], after: [] }),
        rollback: () => lane.rollback(),
      };
      return { letter: deadLetter(row), transaction };
    },
    async refused(id, error) {
      if (!isLetterId(id)) return;
      await runner.run(sql`UPDATE banyan.dead_letter
        SET attempts = attempts + 1, error = ${error}, at = clock_timestamp(), position = nextval('banyan.dead_letter_position')
        WHERE id = ${id}::bigint`);
    },
  };
}

function takeOut(id: string): Statement {
  return sql`DELETE FROM banyan.dead_letter WHERE id = ${id}::bigint
    RETURNING id::text AS letter_id, subscriber, attempts, error, at AS buried_at, position,
      event AS id, type, tenant, key, version, data, trace_id, metadata, emitted_at AS at`;
}

/** People type these: what cannot be one is simply not there. */
function isLetterId(id: string): boolean {
  return /^[1-9]\d{0,17}$/.test(id);
}

function deadLetter(row: LetterRow): DeadLetter {
  const { letter_id: id, subscriber, attempts, error, buried_at: buriedAt, position } = row;
  return { id, subscriber, event: storedEvent(row), attempts, error, at: buriedAt.getTime(), position };
}
