import type { Database } from "../memory/database.ts";
import { type JobRow, jobs, unsent } from "../memory/tables.ts";
import { desk, turnMs } from "./contract.ts";
import { closings, type Effect, letters, notes, stamps } from "./rows.ts";
import { stampsOf } from "./services.ts";

/** Every job that a note enqueued has run once to its end, or is dead. */
export function checkJobs(database: Database): string[] {
  const dead = deadOf(database, desk.send.id);
  const sent = [...database.rows(letters).values()];
  const noted = [...database.rows(notes).values()];
  const problems: string[] = [];
  for (const note of noted) {
    const isSame = (other: Pick<Effect, "reference" | "account">) =>
      other.reference === note.reference && other.account === note.account;
    const times = sent.filter(isSame).length;
    const buried = dead.filter(({ input }) => isSame(JSON.parse(input))).length;
    if (times + buried !== 1)
      problems.push(`the job of ${note.reference} for ${note.account}: sent ${times}, dead ${buried}`);
  }
  if (sent.length + dead.length !== noted.length)
    problems.push(`${noted.length} jobs, ${sent.length} sent, ${dead.length} dead`);
  return problems;
}

/** No turn of the schedule was kept twice, and of each that was, every stamp that it asked for is there once, or dead. */
export function checkTurns(database: Database): string[] {
  const ran = [...database.rows(closings).values()];
  const kept = Map.groupBy([...ran, ...deadOf(database, desk.close.id).map(({ id }) => id)], turnOf);
  const problems = [...kept.values()]
    .filter((ids) => ids.length > 1)
    .map((ids) => `a turn was kept more than once: ${ids}`);
  const done = [...database.rows(stamps).values()];
  const dead = deadOf(database, desk.stamp.id).map(({ input }) => JSON.parse(input).reference as string);
  const found = [...done, ...dead].sort();
  const expected = ran.flatMap(stampsOf).sort();
  if (String(found) !== String(expected)) problems.push(`stamps: expected ${expected}, found ${found}`);
  return problems;
}

/** Whether nothing waits: no event for a subscriber, no job for a worker, and the last turn that has come was kept. */
export function isQuiet(database: Database): boolean {
  return database.rows(unsent).size === 0 && livingJobs(database) === 0 && isLastTurnKept(database);
}

/** What still waits, for whoever asks why a world does not settle. */
export function whatWaits(database: Database): string {
  const turn = isLastTurnKept(database) ? "" : ", the last turn of the schedule";
  return `${database.rows(unsent).size} events unsent, ${livingJobs(database)} jobs${turn}`;
}

function isLastTurnKept(database: Database): boolean {
  const last = turnAt(database.now());
  return (
    [...database.rows(closings).values()].some((id) => turnOf(id) === last) ||
    deadOf(database, desk.close.id).some(({ id }) => turnOf(id) === last)
  );
}

/** The turn that a job of the schedule is of, by its id. */
function turnOf(id: string): number {
  return turnAt(Date.parse(id.slice(id.indexOf("@") + 1)));
}

function turnAt(at: number): number {
  return Math.floor(at / turnMs) * turnMs;
}

function livingJobs(database: Database): number {
  return [...database.rows(jobs).values()].filter(({ deadAt }) => deadAt === undefined).length;
}

function deadOf(database: Database, type: string): JobRow[] {
  return [...database.rows(jobs).values()].filter((row) => row.type === type && row.deadAt !== undefined);
}
