import { setTimeout as delay } from "node:timers/promises";
import { type Retention, storeFaults } from "@banyan/kernel/store";
import { budgetOf } from "../budget.ts";
import type { ConnectOptions } from "../connection.ts";
import { sql } from "../statement.ts";
import { tryToLead } from "./lead.ts";
import { type Runner, runOnce } from "./runner.ts";
import { type Days, sweep } from "./sweep.ts";

const DAY_MS = 86_400_000;
const SWEEP_MS = 600_000;
/** Processes that start together do not all look at once. */
const FIRST_MS = 60_000;
/** Millions of rows in the outbox, as one transaction. */
const REPUBLISH_MS = 3_600_000;

/** What was handled is remembered since then; undefined where all of it is. */
async function rememberedSince({ run }: Runner): Promise<Date | undefined> {
  const { rows } = await run(
    sql`SELECT banyan.moment_of(lower) AS since FROM banyan.partition WHERE parent = 'inbox' ORDER BY lower LIMIT 1`,
  );
  const since = rows[0]?.since as Date | undefined;
  return since === undefined || since.getTime() === 0 ? undefined : since;
}

interface Standing {
  readonly swept_at: Date | null;
  readonly dropped_until: Date | null;
  readonly dead_letters: number;
  readonly overdue: number;
}

export function createRetention(runner: Runner, days: Days): Retention {
  return {
    async republish(since) {
      const remembered = await rememberedSince(runner);
      if (remembered !== undefined && since < remembered.getTime()) {
        throw storeFaults.forgotten({ what: "what subscribers have handled", before: remembered.getTime() });
      }
      // The id tells by another clock what partition an event lies in: a day's grace, and then the store's own clock decides.
      const { rows } = await runOnce<{ readonly count: number }>(
        runner.pool,
        budgetOf(REPUBLISH_MS),
        sql`WITH wanted AS (
            SELECT n.service, e.seq / 1024 * 1024 AS block, range_agg(int8range(e.seq, e.seq + 1)) AS waiting,
              (array_agg(e.id ORDER BY e.id))[1] AS first_id, (array_agg(e.id ORDER BY e.id DESC))[1] AS last_id
            FROM banyan.event e JOIN banyan.subscription n ON n.type = e.type
            WHERE e.at >= ${new Date(since)} AND e.id >= banyan.first_id(${new Date(Math.max(since - DAY_MS, remembered?.getTime() ?? 0))})
            GROUP BY n.service, e.seq / 1024),
          added AS (
            SELECT w.*, w.waiting - coalesce(u.waiting, '{}') AS added FROM wanted w LEFT JOIN banyan.unsent u USING (service, block)),
          stored AS (
            INSERT INTO banyan.unsent AS u (service, block, waiting, first_id, last_id)
            SELECT service, block, waiting, first_id, last_id FROM added WHERE NOT isempty(added)
            ON CONFLICT (service, block) DO UPDATE SET waiting = u.waiting + excluded.waiting,
              first_id = least(u.first_id, excluded.first_id), last_id = greatest(u.last_id, excluded.last_id))
          SELECT coalesce(sum(banyan.size_of(added)), 0)::bigint AS count FROM added`,
      );
      const count = rows[0]?.count ?? 0;
      runner.announce();
      return { count };
    },
    async standing() {
      const { rows } = await runner.run<Standing>(sql`SELECT
        (SELECT ended_at FROM banyan.sweep) AS swept_at,
        (SELECT max(until) FROM banyan.dropped) AS dropped_until,
        (SELECT count(*) FROM banyan.dead_letter) AS dead_letters,
        (SELECT count(*) FROM banyan.partition WHERE upper <= banyan.first_id(clock_timestamp()
          - CASE parent WHEN 'inbox' THEN ${days.replayDays}::int ELSE ${days.eventDays ?? null}::int END * interval '1 day')) AS overdue`);
      const [row] = rows;
      return {
        sweptAt: row?.swept_at?.getTime(),
        droppedUntil: row?.dropped_until?.getTime(),
        overdueCount: row?.overdue ?? 0,
        deadLetterCount: row?.dead_letters ?? 0,
      };
    },
  };
}

/** Sweeps every ten minutes or so, whichever process is first, until it is stopped. Its failures are seen by `sweptAt` growing old. */
export function keepSwept(runner: Runner, days: Days, connection: ConnectOptions): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const { signal } = stopped;
  const sweeping = (async () => {
    for (let waitMs = FIRST_MS * Math.random(); ; waitMs = SWEEP_MS * (0.75 + Math.random() / 2)) {
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      const lead = await tryToLead(connection, "@retention");
      if (lead === undefined) continue;
      // The database does not answer, or somebody reads for hours: the next time.
      await sweep(runner, days, { signal: AbortSignal.any([signal, lead.lost]) }).catch(() => {});
      await lead.release();
    }
  })();
  return {
    async stop() {
      stopped.abort();
      await sweeping;
    },
  };
}
