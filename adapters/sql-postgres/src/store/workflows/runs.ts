import type { RunStanding, RunStore, RunVerdict } from "@banyan/kernel/workflows";
import type { StatementResult } from "../../batch.ts";
import { budgetOf, sendWithin } from "../../budget.ts";
import { type Statement, sql } from "../../statement.ts";
import type { Runner } from "../runner.ts";
import {
  type MessageRow,
  type ReportRow,
  type RunRow,
  runReport,
  type StepRow,
  storedRun,
  storedStep,
} from "./rows.ts";
import { countRuns, listRuns, lockTopics, wakeWaiting } from "./statements.ts";
import { isForOthers, writing } from "./writing.ts";

const WRITE_MS = 10_000;

/** W1 to W3 of `RunStore`, in one round trip: starts, then changes under a lease, then what came meanwhile for those that wait. */
export function createRunStore(runner: Runner): RunStore {
  const { run, announce } = runner;
  const together = async (statements: readonly Statement[]): Promise<readonly StatementResult[]> => {
    const budget = budgetOf(WRITE_MS);
    const connection = await runner.pool.acquire(budget);
    try {
      const { results, failure } = await sendWithin(budget, connection, statements);
      if (failure !== undefined) throw failure;
      return results;
    } finally {
      runner.pool.release(connection);
    }
  };
  /** Whether there was a run to wake; then everybody hears of it. */
  const found = async (waking: Statement): Promise<boolean> => {
    const { rows } = await run(waking);
    if (rows.length > 0) announce();
    return rows.length > 0;
  };
  return {
    async write(changes) {
      const results = await together(writing(changes));
      const verdicts = new Map<string, RunVerdict>();
      for (const row of results.flatMap(({ rows }) => rows)) {
        if (typeof row.verdict === "string") verdicts.set(`${row.is_start} ${row.id}`, row.verdict as RunVerdict);
      }
      if (changes.some(isForOthers)) announce();
      return changes.map((change) => {
        const key = "run" in change ? `true ${change.run.id}` : `false ${change.claim.id}`;
        const verdict = verdicts.get(key) ?? "lost";
        // Of two starts under one id the first is the one.
        if (change.do === "start") verdicts.delete(key);
        return verdict;
      });
    },
    async load(ids) {
      const [runs, steps, messages] = await together([
        sql`SELECT * FROM banyan.workflow WHERE id = ANY (${ids}::text[])`,
        sql`SELECT * FROM banyan.workflow_step WHERE run = ANY (${ids}::text[]) ORDER BY place`,
        sql`SELECT run, id, topic, data FROM banyan.workflow_messages(${ids}::text[]) ORDER BY at, id`,
      ]);
      const stepsOf = Map.groupBy((steps?.rows ?? []) as unknown as StepRow[], ({ run: id }) => id);
      const messagesOf = Map.groupBy((messages?.rows ?? []) as unknown as MessageRow[], ({ run: id }) => id);
      return ((runs?.rows ?? []) as unknown as RunRow[]).map((row) => ({
        ...storedRun(row),
        steps: (stepsOf.get(row.id) ?? []).map(storedStep),
        messages: messagesOf.get(row.id) ?? [],
      }));
    },
    async send(messages) {
      const topics = messages.map(({ topic }) => topic);
      await together([
        lockTopics(topics),
        sql`INSERT INTO banyan.workflow_message (id, topic, data)
          SELECT * FROM unnest(${messages.map(({ id }) => id)}::text[], ${topics}::bytea[], ${messages.map(({ data }) => data)}::text[])
          ON CONFLICT DO NOTHING`,
        wakeWaiting(topics),
      ]);
      announce();
    },
    async list(filter) {
      const { rows } = await run<ReportRow>(listRuns(filter));
      return rows.map(runReport);
    },
    async standing(workflows) {
      const { rows } = await run<RunStanding>(countRuns(workflows));
      return rows;
    },
    skipTime: (id) =>
      found(sql`WITH woken AS (
          UPDATE banyan.job j SET due_at = clock_timestamp() FROM banyan.workflow w WHERE j.id = ${id} AND w.id = j.id AND owner IS NULL AND dead_at IS NULL
          RETURNING j.id),
        over AS (
          UPDATE banyan.workflow_step s SET due_at = began_at FROM woken WHERE s.run = woken.id AND ended_at IS NULL AND due_at > began_at)
        SELECT id FROM woken`),
    cancel: (id) =>
      found(sql`WITH asked AS (
          UPDATE banyan.workflow SET cancelled_at = coalesce(cancelled_at, clock_timestamp()) WHERE id = ${id} AND ended_at IS NULL RETURNING id),
        woken AS (
          UPDATE banyan.job j SET due_at = clock_timestamp(), dead_at = NULL, attempt = least(attempt, 1) FROM asked WHERE j.id = asked.id AND (owner IS NULL OR dead_at IS NOT NULL))
        SELECT id FROM asked`),
    retry: (id, from) =>
      found(sql`WITH held AS (
          SELECT j.id FROM banyan.job j WHERE j.id = ${id} AND (j.dead_at IS NOT NULL OR j.owner IS NULL)
            AND (${from ?? null}::text IS NULL OR EXISTS (SELECT FROM banyan.workflow_step s WHERE s.run = j.id AND s.name = ${from ?? null}))
          FOR NO KEY UPDATE),
        dropped AS (
          DELETE FROM banyan.workflow_step s USING held WHERE s.run = held.id
            AND place >= (SELECT place FROM banyan.workflow_step f WHERE f.run = held.id AND f.name = ${from ?? null})),
        again AS (
          UPDATE banyan.workflow_step s SET attempts = 0, due_at = CASE WHEN error IS NULL THEN due_at END FROM held WHERE s.run = held.id AND ended_at IS NULL
            AND ${from ?? null}::text IS NULL),
        woken AS (UPDATE banyan.job j SET dead_at = NULL, attempt = least(attempt, 1), due_at = clock_timestamp() FROM held WHERE j.id = held.id)
        SELECT id FROM held`),
  };
}
