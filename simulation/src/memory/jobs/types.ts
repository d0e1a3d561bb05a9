import type { ClaimedJob, JobType } from "@banyan/kernel/jobs";
import type { DatabaseTransaction } from "../database.ts";
import { type JobRow, type JobTypeRow, jobTypes } from "../tables.ts";

/** How many jobs of a type may begin now, and when that changes by itself. */
export interface Room {
  readonly count: number;
  readonly opensAt: number | undefined;
  /** What is left of its rate, of those that may begin at once. */
  readonly tokens: number;
}

const unknown: JobTypeRow = {
  type: "",
  rateLimit: undefined,
  concurrency: undefined,
  schedule: undefined,
  isPaused: false,
  tokens: 0,
  countedAt: Number.NEGATIVE_INFINITY,
  firedAt: Number.NEGATIVE_INFINITY,
};

export async function declareTypes(transaction: DatabaseTransaction, types: readonly JobType[]): Promise<number> {
  const now = transaction.database.now();
  for (const type of types) {
    await transaction.update(jobTypes, type.type, (row = unknown) => {
      // Another schedule has missed nothing.
      const firedAt = row.type !== "" && row.schedule === type.schedule ? row.firedAt : Math.max(row.firedAt, now);
      return { ...row, ...type, firedAt };
    });
  }
  return now;
}

/** Whether the turn is to be stored: it has come, and is later than the last one. */
export async function fireTurn(transaction: DatabaseTransaction, type: string, turnAt: number): Promise<boolean> {
  let fires = false;
  await transaction.update(jobTypes, type, (row) => {
    fires = row !== undefined && turnAt > row.firedAt && turnAt <= transaction.database.now();
    return fires && row !== undefined ? { ...row, firedAt: turnAt } : row;
  });
  return fires;
}

export async function setPaused(transaction: DatabaseTransaction, type: string, paused: boolean): Promise<void> {
  await transaction.update(jobTypes, type, (row = { ...unknown, type }) => ({ ...row, isPaused: paused }));
}

export function isPaused(transaction: DatabaseTransaction, type: string): boolean {
  return transaction.get(jobTypes, type)?.isPaused ?? false;
}

export function isLimited(transaction: DatabaseTransaction, type: string): boolean {
  const { rateLimit, concurrency } = transaction.get(jobTypes, type) ?? unknown;
  return rateLimit !== undefined || concurrency !== undefined;
}

export function roomsFor(
  transaction: DatabaseTransaction,
  types: readonly string[],
  living: readonly JobRow[],
): Map<string, Room> {
  return new Map(types.map((type) => [type, roomOf(transaction, transaction.get(jobTypes, type) ?? unknown, living)]));
}

function roomOf(transaction: DatabaseTransaction, row: JobTypeRow, living: readonly JobRow[]): Room {
  const now = transaction.database.now();
  const { rateLimit, concurrency, isPaused: paused, countedAt } = row;
  if (paused) return { count: 0, opensAt: undefined, tokens: 0 };
  let tokens = Number.POSITIVE_INFINITY;
  let opensAt: number | undefined;
  if (rateLimit !== undefined) {
    const { runs, perMs } = rateLimit;
    tokens = Math.min(runs, row.tokens + (Math.min(now - countedAt, perMs) * runs) / perMs);
    if (tokens < 1) opensAt = now + ((1 - tokens) * perMs) / runs;
  }
  const running = living.filter((job) => job.type === row.type && job.owner !== undefined && job.dueAt > now).length;
  return { count: Math.min(Math.floor(tokens), (concurrency ?? Number.POSITIVE_INFINITY) - running), opensAt, tokens };
}

/** Counts what began against the rate of its type. */
export async function spend(
  transaction: DatabaseTransaction,
  rooms: ReadonlyMap<string, Room>,
  claimed: readonly ClaimedJob[],
): Promise<void> {
  const countedAt = transaction.database.now();
  for (const [type, jobs] of Map.groupBy(claimed, (job) => job.type)) {
    const tokens = (rooms.get(type)?.tokens ?? 0) - jobs.length;
    if (Number.isFinite(tokens))
      await transaction.update(jobTypes, type, (row) => row && { ...row, tokens, countedAt });
  }
}
