import { pause } from "../pause.ts";
import { sql } from "../statement.ts";
import type { Runner } from "./runner.ts";

/** For how many days the store keeps what it could let go of. */
export interface RetentionDays {
  /** What subscribers have handled: events of as many days can be republished. Default 7. */
  readonly replayDays?: number | undefined;
  /** Events; at least `replayDays`. Default: for ever, since a projection is folded anew from all of them. */
  readonly eventDays?: number | undefined;
  /**
   * Records of commands: afterwards an idempotency key counts as new, and who did what is no longer known. Default: for ever,
   * since they are the audit record.
   */
  readonly commandDays?: number | undefined;
  /** Runs of workflows that have ended: afterwards their idempotency keys count as new. Default: for ever. */
  readonly workflowDays?: number | undefined;
}

export interface Days {
  readonly replayDays: number;
  readonly eventDays: number | undefined;
  readonly commandDays: number | undefined;
  readonly workflowDays: number | undefined;
}

export function checkedDays({ replayDays = 7, eventDays, commandDays, workflowDays }: RetentionDays = {}): Days {
  for (const [name, days] of Object.entries({ replayDays, eventDays, commandDays, workflowDays })) {
    if (days !== undefined && !(Number.isInteger(days) && days >= 1))
      throw new RangeError(`retention.${name} is a whole number of days from 1, not ${days}`);
  }
  if (eventDays !== undefined && eventDays < replayDays) {
    throw new RangeError(
      `retention.eventDays (${eventDays}) is less than replayDays (${replayDays}): what can be sent again must be kept`,
    );
  }
  return { replayDays, eventDays, commandDays, workflowDays };
}

const DAY_MS = 86_400_000;
/** Partitions are made so far ahead that many sweeps may fail. */
const AHEAD_MS = 7 * DAY_MS;
/** 8 MB of the table at a time: a delete holds no lock for long, and what it leaves behind is vacuumed meanwhile. */
const PAGES = 1_000;
const BREATH_MS = 20;

/** Makes the partitions of the next days and lets go of what is over. `now` is in milliseconds; by default the database's clock. */
export async function sweep(
  runner: Runner,
  days: Days,
  { signal, now: given }: { readonly signal?: AbortSignal; readonly now?: number } = {},
): Promise<void> {
  const { rows } = await runner.run(sql`SELECT clock_timestamp() AS now`);
  const [clock] = rows as unknown as readonly [{ readonly now: Date }];
  const now = given ?? clock.now.getTime();
  const { replayDays, eventDays, commandDays, workflowDays } = days;
  const before = (keptDays: number) => now - keptDays * DAY_MS;
  const steps = [
    () => makePartitions(runner, "inbox", { unit: "day", now }),
    () => makePartitions(runner, "event", { unit: eventDays === undefined ? "month" : "day", now }),
    () => dropPartitions(runner, "inbox", before(replayDays)),
    async () => eventDays !== undefined && dropPartitions(runner, "event", before(eventDays)),
    async () => commandDays !== undefined && deleteCommands(runner, before(commandDays), signal),
    async () => workflowDays !== undefined && deleteRuns(runner, before(workflowDays), signal),
  ];
  const failures: unknown[] = [];
  // One that finds a table in use must not keep the others from theirs.
  for (const step of steps) if (!signal?.aborted) await step().catch((error: unknown) => failures.push(error));
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  await runner.run(sql`INSERT INTO banyan.sweep (ended_at) VALUES (clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at`);
}

type Parent = "event" | "inbox";

/** Months where events are kept for ever, so that their partitions stay few; days where they are dropped. */
async function makePartitions(
  { run }: Runner,
  parent: Parent,
  { unit, now }: { readonly unit: "day" | "month"; readonly now: number },
): Promise<void> {
  const { rows } = await run(
    sql`SELECT banyan.moment_of(upper) AS covered FROM banyan.partition WHERE parent = ${parent} ORDER BY lower DESC LIMIT 1`,
  );
  const [last] = rows as unknown as readonly [{ readonly covered: Date }];
  let covered = last.covered.getTime();
  while (covered < now + AHEAD_MS) {
    covered = endOf(unit, Math.max(covered, now));
    await run(sql`SELECT banyan.add_partition(${parent}, ${new Date(covered)})`);
  }
}

/** Of the day or month in which `at` lies, in UTC. */
function endOf(unit: "day" | "month", at: number): number {
  const date = new Date(at);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return unit === "day" ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1);
}

async function dropPartitions({ run }: Runner, parent: Parent, until: number): Promise<void> {
  for (;;) {
    const { rows } = await run(sql`SELECT banyan.drop_partition(${parent}, ${new Date(until)}) AS outcome`);
    if (rows[0]?.outcome !== "dropped") return;
  }
}

async function deleteCommands(runner: Runner, before: number, signal: AbortSignal | undefined): Promise<void> {
  await eachPages(runner, { table: "banyan.command", signal }, ({ from, to }) =>
    runner.run(
      sql`DELETE FROM banyan.command WHERE ctid >= ${from}::tid AND ctid < ${to}::tid AND at < ${new Date(before)}`,
    ),
  );
}

/** A run goes with its steps. Messages are kept for every run that began before them and goes on. */
async function deleteRuns(runner: Runner, before: number, signal: AbortSignal | undefined): Promise<void> {
  await eachPages(runner, { table: "banyan.workflow", signal }, ({ from, to }) =>
    runner.run(sql`WITH gone AS (
        DELETE FROM banyan.workflow WHERE ctid >= ${from}::tid AND ctid < ${to}::tid AND ended_at < ${new Date(before)} RETURNING id)
      DELETE FROM banyan.workflow_step s USING gone WHERE s.run = gone.id`),
  );
  const { rows } = await runner.run(
    sql`SELECT least(min(heard_from), ${new Date(before)}) AS until FROM banyan.workflow WHERE ended_at IS NULL`,
  );
  const until = rows[0]?.until as Date;
  await eachPages(runner, { table: "banyan.workflow_message", signal }, ({ from, to }) =>
    runner.run(
      sql`DELETE FROM banyan.workflow_message WHERE ctid >= ${from}::tid AND ctid < ${to}::tid AND at < ${until}`,
    ),
  );
}

/** By pages of the table, in one pass: no index is needed, and no statement reads more than a bounded part. */
async function eachPages(
  { run }: Runner,
  { table, signal }: { readonly table: string; readonly signal: AbortSignal | undefined },
  work: (pages: { readonly from: string; readonly to: string }) => Promise<unknown>,
): Promise<void> {
  const { rows } = await run(
    sql`SELECT pg_relation_size(${table}::regclass) / current_setting('block_size')::int AS pages`,
  );
  for (let page = 0; page <= (rows[0]?.pages as number); page += PAGES) {
    if (signal?.aborted) return;
    await work({ from: `(${page},0)`, to: `(${page + PAGES},0)` });
    await pause(BREATH_MS, signal);
  }
}
