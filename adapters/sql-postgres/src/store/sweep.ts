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
}

export interface Days {
  readonly replayDays: number;
  readonly eventDays: number | undefined;
  readonly commandDays: number | undefined;
}

export function checkedDays({ replayDays = 7, eventDays, commandDays }: RetentionDays = {}): Days {
  for (const [name, days] of Object.entries({ replayDays, eventDays, commandDays })) {
    if (days !== undefined && !(Number.isInteger(days) && days >= 1))
      throw new RangeError(`retention.${name} is a whole number of days from 1, not ${days}`);
  }
  if (eventDays !== undefined && eventDays < replayDays) {
    throw new RangeError(
      `retention.eventDays (${eventDays}) is less than replayDays (${replayDays}): what can be sent again must be kept`,
    );
  }
  return { replayDays, eventDays, commandDays };
}

const DAY_MS = 86_400_000;
/** Partitions are made so far ahead that many sweeps may fail. */
const AHEAD_MS = 7 * DAY_MS;
/** 8 MB of the table at a time: a delete holds no lock for long, and what it leaves behind is vacuumed meanwhile. */
const COMMAND_PAGES = 1_000;
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
  const { replayDays, eventDays, commandDays } = days;
  const before = (keptDays: number) => now - keptDays * DAY_MS;
  const steps = [
    () => makePartitions(runner, "inbox", { unit: "day", now }),
    () => makePartitions(runner, "event", { unit: eventDays === undefined ? "month" : "day", now }),
    () => dropPartitions(runner, "inbox", before(replayDays)),
    async () => eventDays !== undefined && dropPartitions(runner, "event", before(eventDays)),
    async () => commandDays !== undefined && deleteCommands(runner, before(commandDays), signal),
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

/** By pages of the table, in one pass: no index is needed, and no statement reads more than a bounded part. */
async function deleteCommands({ run }: Runner, before: number, signal: AbortSignal | undefined): Promise<void> {
  const { rows } = await run(
    sql`SELECT pg_relation_size('banyan.command') / current_setting('block_size')::int AS pages`,
  );
  for (let page = 0; page <= (rows[0]?.pages as number); page += COMMAND_PAGES) {
    if (signal?.aborted) return;
    await run(sql`DELETE FROM banyan.command WHERE ctid >= ${`(${page},0)`}::tid AND ctid < ${`(${page + COMMAND_PAGES},0)`}::tid
      AND at < ${new Date(before)}`);
    await pause(BREATH_MS, signal);
  }
}
