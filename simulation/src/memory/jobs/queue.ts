import type { ClaimedJob, JobFilter, JobQueue, JobReport, JobState, NewJob } from "@banyan/kernel/jobs";
import { storeFaults } from "@banyan/kernel/store";
import type { DatabaseTransaction } from "../database.ts";
import { runOnce } from "../lane.ts";
import type { Opener } from "../opener.ts";
import { type JobRow, jobKeys, jobs, keyOf } from "../tables.ts";
import { declareTypes, fireTurn, isLimited, isPaused, roomsFor, setPaused, spend } from "./types.ts";

/** An hour of waiting makes up for one step of priority. */
const advantageMs = { high: 0, normal: 3_600_000, low: 7_200_000 };
/** One claim at a time, so that limits hold exactly. */
const claims = "claim jobs";

type Lease = Parameters<JobQueue["claim"]>[2];

/** Stores jobs; one whose dedupe key is taken is left out, and the living one is awaited in its place. Answers how many were stored. */
export async function insertJobs(transaction: DatabaseTransaction, given: readonly NewJob[]): Promise<number> {
  const now = transaction.database.now();
  const inPlaceOf = new Map<string, string>();
  let count = 0;
  for (const job of given) {
    if (job.dedupeKey !== undefined && !(await transaction.insertNew(jobKeys, dedupeOf(job), job.id))) {
      inPlaceOf.set(job.id, transaction.get(jobKeys, dedupeOf(job)) ?? job.id);
      continue;
    }
    const after = job.after.map((id) => inPlaceOf.get(id) ?? id);
    const state = { token: 0, attempt: 0, error: undefined, deadAt: undefined, owner: undefined };
    if (
      await transaction.insertNew(jobs, job.id, {
        ...job,
        after,
        ...state,
        enqueuedAt: now,
        dueAt: now + Math.ceil(job.delayMs),
      })
    )
      count++;
  }
  return count;
}

/** Ends a job under the token it was claimed with, and answers how many others that sets free. */
export async function completeJob(transaction: DatabaseTransaction, { id, token }: ClaimedJob): Promise<number> {
  const waiting = living(transaction).filter(({ after }) => after.includes(id));
  const isHeld = await changeHeld(transaction, { id, token }, () => undefined);
  if (!isHeld) throw storeFaults.stale();
  return waiting.filter((job) => awaited(transaction, job).length === 0).length;
}

export function createJobQueue(opener: Opener): JobQueue {
  const run = <T>(work: (transaction: DatabaseTransaction) => Promise<T>) => runOnce(opener, work);
  return {
    declare: (types) => run((transaction) => declareTypes(transaction, types)),
    claim: (types, limit, lease) => run((transaction) => claim(transaction, { types, limit }, lease)),
    free: (types, limit) =>
      run(async (transaction) =>
        freeJobs(transaction)
          .filter((row) => types.includes(row.type) && !isPaused(transaction, row.type))
          .slice(0, limit)
          .map(({ id, type, priority }) => ({ id, type, priority })),
      ),
    lease: (ids, lease) =>
      run(async (transaction) => {
        const leased: ClaimedJob[] = [];
        for (const row of freeJobs(transaction)) {
          if (!ids.includes(row.id) || isPaused(transaction, row.type)) continue;
          const job = await leaseOne(transaction, row, lease);
          if (job !== undefined) leased.push(job);
        }
        return leased;
      }),
    renew: (held, leaseMs) =>
      run(async (transaction) => {
        const renewed = new Set<string>();
        const dueAt = transaction.database.now() + leaseMs;
        for (const job of held) {
          if (await changeHeld(transaction, job, (row) => ({ ...row, dueAt }))) renewed.add(job.id);
        }
        return renewed;
      }),
    fail: (job, error, retryInMs) =>
      run(async (transaction) => {
        const now = transaction.database.now();
        const deadAt = retryInMs === undefined ? now : undefined;
        const dueAt = now + (retryInMs ?? 0);
        const given = { error, deadAt, dueAt, owner: undefined };
        await changeHeld(transaction, job, (row) => ({ ...row, ...given, token: row.token + 1 }));
      }),
    release: async (held) => {
      await run(async (transaction) => {
        const dueAt = transaction.database.now();
        const back = (row: JobRow) => ({
          ...row,
          dueAt,
          owner: undefined,
          token: row.token + 1,
          attempt: row.attempt - 1,
        });
        for (const job of held) await changeHeld(transaction, job, back);
      });
      opener.announce();
    },
    nextDueMs: (types) => run(async (transaction) => nextDueMs(transaction, types)),
    async fire(job, turnAt) {
      const isNew = await run(async (transaction) => {
        const fires = await fireTurn(transaction, job.type, turnAt);
        if (fires) await insertJobs(transaction, [{ ...job, delayMs: 0 }]);
        return fires;
      });
      if (isNew) opener.announce();
      return opener.database.now();
    },
    async setPaused(type, paused) {
      await run((transaction) => setPaused(transaction, type, paused));
      if (!paused) opener.announce();
    },
    list: (filter) => run(async (transaction) => list(transaction, filter)),
    backlog: (types) =>
      run(async (transaction) => {
        const now = transaction.database.now();
        const due = living(transaction).filter((row) => row.dueAt <= now && awaited(transaction, row).length === 0);
        return types.map((type) => {
          const ages = due.filter((row) => row.type === type).map(({ dueAt }) => now - dueAt);
          return { type, count: ages.length, oldestMs: Math.max(0, ...ages) };
        });
      }),
    async retry(id) {
      const isRetried = await run((transaction) => retry(transaction, id));
      if (isRetried) opener.announce();
      return isRetried;
    },
  };
}

async function claim(
  transaction: DatabaseTransaction,
  { types, limit }: { readonly types: readonly string[]; readonly limit: number },
  lease: Lease,
): Promise<ClaimedJob[]> {
  await transaction.lock(claims, "exclusive");
  const rooms = roomsFor(transaction, types, living(transaction));
  // Limits would not survive a crash that takes it back; else the jobs are free again.
  transaction.isUnflushed = types.every((type) => !isLimited(transaction, type));
  const claimed: ClaimedJob[] = [];
  for (const row of freeJobs(transaction)) {
    const room = rooms.get(row.type)?.count ?? 0;
    if (claimed.length === limit || room <= claimed.filter(({ type }) => type === row.type).length) continue;
    const job = await leaseOne(transaction, row, lease);
    if (job !== undefined) claimed.push(job);
  }
  await spend(transaction, rooms, claimed);
  return claimed;
}

/** In the order in which claims lease them. */
function freeJobs(transaction: DatabaseTransaction): JobRow[] {
  const now = transaction.database.now();
  const rank = ({ dueAt, priority }: JobRow) => dueAt + advantageMs[priority];
  return living(transaction)
    .filter((row) => row.dueAt <= now && awaited(transaction, row).length === 0)
    .sort((a, b) => rank(a) - rank(b));
}

/** Undefined where another transaction has the job. Its token is drawn by the clock: a claim that a crash took back leaves the one it had to nobody. */
async function leaseOne(
  transaction: DatabaseTransaction,
  row: JobRow,
  { ms, owner }: Lease,
): Promise<ClaimedJob | undefined> {
  if (!transaction.tryLockRow(jobs, row.id)) return undefined;
  const now = transaction.database.now();
  const token = Math.max(row.token + 1, Math.floor(now * 1_000));
  const taken = { ...row, owner, token, attempt: row.attempt + 1, dueAt: now + ms };
  await transaction.update(jobs, row.id, () => taken);
  return claimedJob(taken, now - row.dueAt);
}

function nextDueMs(transaction: DatabaseTransaction, types: readonly string[]): number | undefined {
  const now = transaction.database.now();
  const all = living(transaction);
  const rooms = roomsFor(transaction, types, all);
  const isLeased = ({ owner, dueAt }: JobRow) => owner !== undefined && dueAt > now;
  const dueAts = all
    .filter((row) => types.includes(row.type) && !isPaused(transaction, row.type))
    .filter((row) => !isLeased(row) && awaited(transaction, row).length === 0)
    .flatMap((row) => {
      const room = rooms.get(row.type);
      if (row.dueAt > now || (room?.count ?? 0) > 0) return [row.dueAt];
      return room?.opensAt === undefined ? [] : [room.opensAt];
    });
  return dueAts.length === 0 ? undefined : Math.max(0, Math.min(...dueAts) - now);
}

/** Dead ones have given their dedupe key back: false, too, where a living job has it now, which does their work. */
async function retry(transaction: DatabaseTransaction, id: string): Promise<boolean> {
  const dead = transaction.get(jobs, id);
  if (dead?.deadAt === undefined) return false;
  if (dead.dedupeKey !== undefined && !(await transaction.insertNew(jobKeys, dedupeOf(dead), id))) return false;
  const dueAt = transaction.database.now();
  await transaction.update(jobs, id, (row) => row && { ...row, deadAt: undefined, attempt: 0, dueAt });
  return true;
}

/** Changes the job while its token is the one that was claimed, and says whether it was; one that ends or dies gives its dedupe key back. */
async function changeHeld(
  transaction: DatabaseTransaction,
  { id, token }: Pick<ClaimedJob, "id" | "token">,
  change: (row: JobRow) => JobRow | undefined,
): Promise<boolean> {
  let before: JobRow | undefined;
  let after: JobRow | undefined;
  await transaction.update(jobs, id, (row) => {
    if (row === undefined || row.token !== token || row.deadAt !== undefined) return row;
    before = row;
    after = change(row);
    return after;
  });
  if (before?.dedupeKey !== undefined && (after === undefined || after.deadAt !== undefined)) {
    await transaction.update(jobKeys, dedupeOf(before), () => undefined);
  }
  return before !== undefined;
}

function list(transaction: DatabaseTransaction, { type, state, limit = 100 }: JobFilter): JobReport[] {
  return [...transaction.rows(jobs).values()]
    .filter((row) => type === undefined || row.type === type)
    .sort((a, b) => (b.deadAt ?? 0) - (a.deadAt ?? 0) || a.dueAt - b.dueAt)
    .map((row) => report(transaction, row))
    .filter((each) => state === undefined || each.state === state)
    .slice(0, limit);
}

function report(transaction: DatabaseTransaction, row: JobRow): JobReport {
  const { id, type, tenant, priority, input, attempt: attempts, dueAt, owner, error } = row;
  const state = stateOf(transaction, row);
  const after = [...awaited(transaction, row)].sort();
  return { id, type, tenant, state, priority, input, attempts, dueAt, owner, error, after };
}

function stateOf(transaction: DatabaseTransaction, row: JobRow): JobState {
  const now = transaction.database.now();
  if (row.deadAt !== undefined) return "dead";
  if (awaited(transaction, row).length > 0) return "blocked";
  if (row.owner !== undefined && row.dueAt > now) return "running";
  if (isPaused(transaction, row.type)) return "paused";
  return row.dueAt > now ? "delayed" : "waiting";
}

/** What it still comes after: whatever is stored, the dead included. */
function awaited(transaction: DatabaseTransaction, { after }: JobRow): readonly string[] {
  return after.length === 0 ? after : after.filter((id) => transaction.get(jobs, id) !== undefined);
}

function living(transaction: DatabaseTransaction): JobRow[] {
  return [...transaction.rows(jobs).values()].filter(({ deadAt }) => deadAt === undefined);
}

function dedupeOf({ type, tenant, dedupeKey = "" }: NewJob): string {
  return keyOf(type, tenant, dedupeKey);
}

function claimedJob(row: JobRow, waitedMs: number): ClaimedJob {
  const { after: _after, enqueuedAt: _at, dueAt: _dueAt, error: _error, deadAt: _deadAt, owner: _owner, ...job } = row;
  return { ...job, waitedMs };
}
