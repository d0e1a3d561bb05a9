import {
  jobTypeOf,
  jobTypesOf,
  type Message,
  type RunChange,
  type RunFilter,
  type RunReport,
  type RunState,
  type RunStore,
  type RunVerdict,
  type StoredRun,
} from "@banyan/kernel/workflows";
import type { DatabaseTransaction } from "../database.ts";
import { runOnce } from "../lane.ts";
import type { Opener } from "../opener.ts";
import { type JobRow, jobs, keyOf, messages, type RunRow, runs, type StepRow, steps } from "../tables.ts";

type Going = Exclude<RunChange, { do: "start" | "adopt" }>;

export function createRunStore(opener: Opener): RunStore {
  const run = <T>(work: (transaction: DatabaseTransaction) => Promise<T>) => runOnce(opener, work);
  return {
    async write(changes) {
      const verdicts = await run(async (transaction) => {
        await lockTopics(transaction, [...changes.flatMap(waitsFor), ...changes.flatMap(tellsOf).map(topicOf)]);
        const all: RunVerdict[] = [];
        for (const change of changes) {
          const starts = change.do === "start" || change.do === "adopt";
          all.push(starts ? await begin(transaction, change) : await go(transaction, change));
        }
        return all;
      });
      const frees = (one: RunChange) =>
        one.do === "start" ? one.lease === undefined : one.do === "wait" || tellsOf(one).length > 0;
      if (changes.some(frees)) opener.announce();
      return verdicts;
    },
    load: (ids) =>
      run(async (transaction) =>
        ids.flatMap((id) => {
          const row = transaction.get(runs, id);
          return row === undefined ? [] : [storedRun(transaction, row)];
        }),
      ),
    async send(given) {
      await run(async (transaction) => {
        await lockTopics(transaction, given.map(topicOf));
        await send(transaction, given);
      });
      opener.announce();
    },
    list: (filter) => run(async (transaction) => list(transaction, filter)),
    standing: (workflows) =>
      run(async (transaction) =>
        workflows.map(({ type, version }) => {
          const types = jobTypesOf({ type, version });
          const found = list(transaction, { type, limit: Number.POSITIVE_INFINITY });
          const count = (state: RunState) =>
            found.filter((one) => one.state === state && types.includes(jobTypeOf(one))).length;
          return { type, waiting: count("waiting"), stuck: count("stuck") };
        }),
      ),
    async skipTime(id) {
      const isWoken = await run((transaction) => skipTime(transaction, id));
      if (isWoken) opener.announce();
      return isWoken;
    },
    async cancel(id) {
      const isAsked = await run(async (transaction) => {
        let found = false;
        await transaction.update(runs, id, (row) => {
          found = row !== undefined && row.outcome === undefined;
          return found && row !== undefined ? { ...row, isCancelled: true } : row;
        });
        const dueAt = transaction.database.now();
        if (found)
          await transaction.update(jobs, id, (job) =>
            job === undefined || (job.owner !== undefined && job.deadAt === undefined)
              ? job
              : { ...job, dueAt, deadAt: undefined, attempt: Math.min(job.attempt, 1) },
          );
        return found;
      });
      if (isAsked) opener.announce();
      return isAsked;
    },
    async retry(id, from) {
      const isWoken = await run((transaction) => retry(transaction, id, from));
      if (isWoken) opener.announce();
      return isWoken;
    },
  };
}

/** W3: who waits for one of the topics is due. They are locked. */
async function send(transaction: DatabaseTransaction, given: readonly Message[]): Promise<void> {
  const topics = new Set(given.map(topicOf));
  const at = transaction.database.now();
  for (const message of given) await transaction.insertNew(messages, message.id, { ...message, at });
  for (const step of transaction.rows(steps).values()) {
    if (step.topic !== undefined && step.endedAt === undefined && topics.has(hex(step.topic)))
      await wake(transaction, step.run);
  }
}

async function begin(
  transaction: DatabaseTransaction,
  change: Extract<RunChange, { do: "start" | "adopt" }>,
): Promise<RunVerdict> {
  const { run } = change;
  const now = transaction.database.now();
  const enqueued = change.do === "adopt" ? transaction.get(jobs, run.id) : undefined;
  if (change.do === "adopt" && enqueued?.token !== change.claim.token) return "lost";
  const heardFrom = enqueued?.enqueuedAt ?? now;
  const row: RunRow = { ...run, heardFrom, endedAt: undefined, isCancelled: false, outcome: undefined };
  if (!(await transaction.insertNew(runs, run.id, row))) return "lost";
  if (change.do === "adopt") return "done";
  const { lease } = change;
  const isStored = await transaction.insertNew(jobs, run.id, {
    id: run.id,
    type: jobTypeOf(run),
    tenant: run.tenant,
    input: "",
    delayMs: 0,
    priority: "normal",
    dedupeKey: undefined,
    after: [],
    traceId: run.traceId,
    metadata: run.metadata,
    enqueuedAt: now,
    dueAt: now + (lease?.ms ?? 0),
    owner: lease?.owner,
    token: lease === undefined ? 0 : 1,
    attempt: lease === undefined ? 0 : 1,
    error: undefined,
    deadAt: undefined,
  });
  return isStored ? "done" : "lost";
}

/** W1: the job's row says who holds the run. */
async function go(transaction: DatabaseTransaction, change: Going): Promise<RunVerdict> {
  const { claim } = change;
  const { isCancelled = false } = transaction.get(runs, claim.id) ?? {};
  let isHeld = false;
  await transaction.update(jobs, claim.id, (job) => {
    isHeld = job !== undefined && job.token === claim.token && job.deadAt === undefined;
    return isHeld && job !== undefined ? jobAfter(transaction, { job, change, isCancelled }) : job;
  });
  if (!isHeld) return "lost";
  for (const step of change.steps) {
    await transaction.update(steps, keyOf(claim.id, step.name), (row) =>
      row?.endedAt === undefined ? { ...step, run: claim.id } : row,
    );
  }
  if (change.do === "end") {
    const endedAt = transaction.database.now();
    await transaction.update(
      runs,
      claim.id,
      (row) => row && { ...row, endedAt, outcome: row.outcome ?? change.outcome },
    );
    await send(transaction, tellsOf(change));
  }
  // W3: what came before it waited.
  if (change.do === "wait" && waitsFor(change).length > 0 && messagesFor(transaction, claim.id).length > 0)
    await wake(transaction, claim.id);
  return isCancelled ? "cancelled" : "done";
}

function jobAfter(
  transaction: DatabaseTransaction,
  { job, change, isCancelled }: { readonly job: JobRow; readonly change: Going; readonly isCancelled: boolean },
): JobRow | undefined {
  if (change.do === "keep") return job;
  if (change.do === "end") return undefined;
  const dueAt = transaction.database.now() + (isCancelled && !change.knowsCancelled ? 0 : change.dueInMs);
  return { ...job, token: job.token + 1, owner: undefined, attempt: 0, error: undefined, dueAt };
}

async function wake(transaction: DatabaseTransaction, id: string): Promise<void> {
  const dueAt = transaction.database.now();
  await transaction.update(jobs, id, (job) =>
    job === undefined || job.owner !== undefined || job.deadAt !== undefined ? job : { ...job, dueAt },
  );
}

async function skipTime(transaction: DatabaseTransaction, id: string): Promise<boolean> {
  const job = transaction.get(jobs, id);
  const isRun = transaction.get(runs, id) !== undefined;
  if (!isRun || job === undefined || job.owner !== undefined || job.deadAt !== undefined) return false;
  for (const { name } of stepsOf(transaction, id)) {
    await transaction.update(steps, keyOf(id, name), (row) =>
      row === undefined || row.endedAt !== undefined || row.dueAt === undefined ? row : { ...row, dueAt: row.beganAt },
    );
  }
  await wake(transaction, id);
  return true;
}

async function retry(transaction: DatabaseTransaction, id: string, from: string | undefined): Promise<boolean> {
  const job = transaction.get(jobs, id);
  const first = from === undefined ? undefined : transaction.get(steps, keyOf(id, from));
  if (job === undefined || (job.owner !== undefined && job.deadAt === undefined)) return false;
  if (from !== undefined && first === undefined) return false;
  for (const step of stepsOf(transaction, id)) {
    const isDropped = first !== undefined && step.place >= first.place;
    await transaction.update(steps, keyOf(id, step.name), (row) => {
      if (isDropped || row === undefined || row.endedAt !== undefined || first !== undefined)
        return isDropped ? undefined : row;
      return { ...row, attempts: 0, dueAt: row.error === undefined ? row.dueAt : undefined };
    });
  }
  const dueAt = transaction.database.now();
  await transaction.update(
    jobs,
    id,
    (row) => row && { ...row, deadAt: undefined, attempt: Math.min(row.attempt, 1), dueAt },
  );
  return true;
}

function stepsOf(transaction: DatabaseTransaction, id: string): StepRow[] {
  return [...transaction.rows(steps).values()].filter(({ run }) => run === id).sort((a, b) => a.place - b.place);
}

/** For its waiting steps, not taken before, and no older than the run. */
function messagesFor(transaction: DatabaseTransaction, id: string): readonly Message[] {
  const own = stepsOf(transaction, id);
  const taken = new Set(own.map(({ message }) => message));
  const topics = new Set(
    own.flatMap(({ topic, endedAt }) => (topic === undefined || endedAt !== undefined ? [] : [hex(topic)])),
  );
  const since = transaction.get(runs, id)?.heardFrom ?? 0;
  return [...transaction.rows(messages).values()]
    .filter((message) => topics.has(hex(message.topic)) && !taken.has(message.id) && message.at >= since)
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

function storedRun(transaction: DatabaseTransaction, row: RunRow): StoredRun {
  return { ...row, steps: stepsOf(transaction, row.id), messages: messagesFor(transaction, row.id) };
}

function list(transaction: DatabaseTransaction, filter: RunFilter): RunReport[] {
  const { id, tenant, type, state, after, limit = 100 } = filter;
  return [...transaction.rows(runs).values()]
    .filter((row) => (id ?? row.id) === row.id && (type ?? row.type) === row.type)
    .filter((row) => (tenant ?? row.tenant) === row.tenant)
    .map((row) => report(transaction, row))
    .filter((one) => state === undefined || one.state === state)
    .sort(newestFirst)
    .filter((one) => after === undefined || newestFirst(after, one) < 0)
    .slice(0, limit);
}

function newestFirst(a: Pick<RunReport, "startedAt" | "id">, b: Pick<RunReport, "startedAt" | "id">): number {
  return b.startedAt - a.startedAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

function report(transaction: DatabaseTransaction, row: RunRow): RunReport {
  const { id, type, version, tenant, startedAt, endedAt, isCancelled, traceId, outcome } = row;
  const job = outcome === undefined ? transaction.get(jobs, id) : undefined;
  const fault = outcome !== undefined && "fault" in outcome ? outcome.fault : undefined;
  const about = { id, type, version, tenant, startedAt, endedAt, isCancelled, traceId, fault };
  if (job === undefined) {
    const state = fault === undefined ? "done" : "failed";
    return { ...about, state, dueAt: undefined, owner: undefined, error: undefined };
  }
  const isDue = job.dueAt <= transaction.database.now();
  const isHeld = job.owner !== undefined && !isDue;
  const state = job.deadAt !== undefined ? "stuck" : isHeld ? "running" : isDue ? "due" : "waiting";
  return { ...about, state, dueAt: job.dueAt, owner: isHeld ? job.owner : undefined, error: job.error };
}

/** What a change has its run wait for. */
function waitsFor(change: RunChange): string[] {
  if (change.do === "start" || change.do === "adopt") return [];
  return change.steps.flatMap(({ topic, endedAt }) =>
    topic === undefined || endedAt !== undefined ? [] : [hex(topic)],
  );
}

function tellsOf(change: RunChange): Message[] {
  return change.do === "end" && change.tells !== undefined ? [change.tells] : [];
}

function topicOf({ topic }: Message): string {
  return hex(topic);
}

async function lockTopics(transaction: DatabaseTransaction, topics: readonly string[]): Promise<void> {
  for (const topic of [...new Set(topics)].sort()) await transaction.lock(`topic ${topic}`, "exclusive");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
