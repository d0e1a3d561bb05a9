import type { ClaimedJob, JobType, NewJob } from "@banyan/kernel/jobs";
import type { Store } from "@banyan/kernel/store";
import { expect, test } from "vitest";
import { budget, eventually, fresh, newJob, nothing, type Probe } from "./probe.ts";

const lease = { ms: 60_000, owner: "worker 1" };
const running = { token: expect.any(Number), attempt: 1, waitedMs: expect.any(Number) };

async function enqueue(store: Store, ...jobs: NewJob[]): Promise<void> {
  await store.beginCommands([], budget()).commit({ ...nothing, jobs });
}

async function complete(store: Store, job: ClaimedJob | undefined, jobs: readonly NewJob[] = []) {
  return store.beginJob(job as ClaimedJob, budget()).commit({ events: [], jobs });
}

async function claimIds(store: Store, type: string, limit = 10): Promise<string[]> {
  return (await store.jobs.claim([type], limit, lease)).map(({ id }) => id);
}

function typeWith(part: Partial<JobType>): JobType {
  return { type: fresh("probe.job"), rateLimit: undefined, concurrency: undefined, schedule: undefined, ...part };
}

export function jobClauses(probe: () => Probe): void {
  leaseClauses(probe);
  orderClauses(probe);
  limitClauses(probe);
  turnClauses(probe);
}

function leaseClauses(probe: () => Probe): void {
  test("a job is claimed by one worker, as it was stored, and leaves with its completion", async () => {
    const { store, other, item } = probe();
    const [job, id] = [newJob({ dedupeKey: "once", priority: "low" }), fresh("item")];
    await enqueue(store, job);
    const claims = await Promise.all(
      [store, other, store, other].map((worker) => worker.jobs.claim([job.type], 5, lease)),
    );
    const [claimed] = claims.flat() as [ClaimedJob];
    const { after: _, ...stored } = job;
    expect(claims.flat()).toEqual([{ ...stored, ...running }]);
    const run = store.beginJob(claimed, budget());
    await run.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    await run.commit(nothing);
    expect(await item(id)).toBe(1);
    expect(await store.jobs.nextDueMs([job.type])).toBeUndefined();
  });

  test("S6 a run whose lease went to another cannot commit, and leaves nothing", async () => {
    const { store, other, item } = probe();
    const [job, id] = [newJob(), fresh("item")];
    await enqueue(store, job);
    const [stale] = (await store.jobs.claim([job.type], 1, { ...lease, ms: 1 })) as [ClaimedJob];
    const slow = store.beginJob(stale, budget());
    await slow.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    const taken = await eventually(async () => (await other.jobs.claim([job.type], 1, lease))[0]);
    expect(taken).toMatchObject({ id: job.id, attempt: 2 });
    expect(taken.token).toBeGreaterThan(stale.token);
    expect(await store.jobs.renew([stale], lease.ms)).toEqual(new Set());
    await expect(slow.commit(nothing)).rejects.toMatchObject({ code: "store.stale" });
    await slow.rollback();
    expect(await item(id)).toBeUndefined();
    await store.jobs.fail(stale, "stale", undefined);
    await store.jobs.release([stale]);
    expect(await other.jobs.renew([taken], lease.ms)).toEqual(new Set([job.id]));
    await complete(other, taken);
    await expect(complete(other, taken)).rejects.toMatchObject({ code: "store.stale" });
  });

  test("S6 a run that was given up cannot commit later", async () => {
    const { store } = probe();
    const job = newJob();
    await enqueue(store, job);
    const [claimed] = (await store.jobs.claim([job.type], 1, lease)) as [ClaimedJob];
    const late = store.beginJob(claimed, budget());
    await late.sql`SELECT 1`;
    await store.jobs.fail(claimed, "too slow", lease.ms);
    await expect(late.commit(nothing)).rejects.toMatchObject({ code: "store.stale" });
    await late.rollback();
  });

  test("S6 runs that sent no statement complete together, and a stale one among them alone fails", async () => {
    const { store, other } = probe();
    const type = fresh("probe.job");
    await enqueue(store, ...Array.from({ length: 20 }, () => newJob({ type })));
    const claimed = await store.jobs.claim([type], 20, lease);
    const stale = claimed[7] as ClaimedJob;
    await other.jobs.release([stale]);
    const ends = await Promise.allSettled(claimed.map((job) => complete(store, job, [newJob({ type })])));
    expect(ends.map(({ status }) => status)).toEqual(claimed.map((job) => (job === stale ? "rejected" : "fulfilled")));
    expect(await store.jobs.claim([type], 50, lease)).toHaveLength(20);
  });

  test("a job that is handed back is free at once, and no attempt is counted", async () => {
    const { store } = probe();
    const job = newJob();
    await enqueue(store, job);
    const [first] = (await store.jobs.claim([job.type], 1, lease)) as [ClaimedJob];
    await store.jobs.release([first]);
    const [second] = (await store.jobs.claim([job.type], 1, lease)) as [ClaimedJob];
    expect(second.attempt).toBe(1);
    expect(second.token).toBeGreaterThan(first.token);
  });

  test("a failed job comes again when told, and is dead where it is not; the dead can be retried", async () => {
    const { store } = probe();
    const [job, dedupeKey] = [newJob({ dedupeKey: "one" }), "one"];
    await enqueue(store, job);
    const [first] = (await store.jobs.claim([job.type], 1, lease)) as [ClaimedJob];
    await store.jobs.fail(first, "broke", 0);
    const [second] = (await store.jobs.claim([job.type], 1, lease)) as [ClaimedJob];
    expect(second.attempt).toBe(2);
    await store.jobs.fail(second, "broke for good", undefined);
    expect(await claimIds(store, job.type)).toEqual([]);
    expect(await store.jobs.nextDueMs([job.type])).toBeUndefined();
    expect(await store.jobs.list({ type: job.type })).toMatchObject([
      { id: job.id, state: "dead", attempts: 2, error: "broke for good", owner: undefined },
    ]);
    const rival = newJob({ type: job.type, dedupeKey });
    await enqueue(store, rival);
    expect(await store.jobs.retry(job.id)).toBe(false);
    const [living] = (await store.jobs.claim([job.type], 1, lease)) as [ClaimedJob];
    expect(living.id).toBe(rival.id);
    await complete(store, living);
    expect(await store.jobs.retry(job.id)).toBe(true);
    expect(await store.jobs.retry(job.id)).toBe(false);
    expect(await store.jobs.claim([job.type], 1, lease)).toMatchObject([{ id: job.id, attempt: 1 }]);
  });
}

function orderClauses(probe: () => Probe): void {
  test("due jobs come oldest due first, later ones when they are due", async () => {
    const { store } = probe();
    const type = fresh("probe.job");
    const [later, soon, now] = [newJob({ type, delayMs: 3_600_000 }), newJob({ type, delayMs: 30 }), newJob({ type })];
    await enqueue(store, later, soon, now);
    expect(await claimIds(store, type)).toEqual([now.id]);
    const dueInMs = await store.jobs.nextDueMs([type]);
    expect(dueInMs).toBeLessThanOrEqual(30);
    const [claimed] = await eventually(async () => {
      const ids = await claimIds(store, type);
      return ids.length > 0 && ids;
    });
    expect(claimed).toBe(soon.id);
    expect(await store.jobs.nextDueMs([type])).toBeGreaterThan(3_500_000);
  });

  test("high goes before normal and normal before low, over types, and only an hour of waiting makes up for it", async () => {
    const { store } = probe();
    const [one, two] = [fresh("probe.job"), fresh("probe.job")];
    const [low, normal, old, high] = [
      newJob({ type: one, priority: "low" }),
      newJob({ type: two }),
      newJob({ type: one, priority: "low", delayMs: -2 * 3_600_000 - 60_000 }),
      newJob({ type: two, priority: "high" }),
    ];
    for (const job of [low, normal, old, high]) await enqueue(store, job);
    const claim = async (limit: number) => (await store.jobs.claim([one, two], limit, lease)).map(({ id }) => id);
    expect(await claim(1)).toEqual([old.id]);
    expect(await claim(9)).toEqual([high.id, normal.id, low.id]);
  });

  test("free jobs are told in the order of their claims, and leased by their ids, once", async () => {
    const { store, other } = probe();
    const type = fresh("probe.job");
    const [low, normal, high] = (["low", "normal", "high"] as const).map((priority) => newJob({ type, priority }));
    const [first, second, third] = [high?.id as string, normal?.id as string, low?.id as string];
    await enqueue(store, low as NewJob, normal as NewJob, high as NewJob, newJob({ type, delayMs: 60_000 }));
    const free = await store.jobs.free([type], 9);
    expect(free).toEqual([
      { id: first, type, priority: "high" },
      { id: second, type, priority: "normal" },
      { id: third, type, priority: "low" },
    ]);
    const asked = [first, second, "never stored"];
    const leased = (await Promise.all([store.jobs.lease(asked, lease), other.jobs.lease(asked, lease)])).flat();
    expect(leased.map(({ id }) => id).sort()).toEqual([first, second].sort());
    expect(leased[0]).toMatchObject(running);
    await store.jobs.setPaused(type, true);
    expect(await store.jobs.free([type], 9)).toEqual([]);
    expect(await store.jobs.lease([third], lease)).toEqual([]);
    await store.jobs.setPaused(type, false);
    expect(await store.jobs.free([type], 9)).toHaveLength(1);
    await complete(store, leased[0]);
  });

  test("while a job with a dedupe key lives another is not stored; the run that completes it may store the next", async () => {
    const { store } = probe();
    const [type, dedupeKey] = [fresh("probe.job"), "daily"];
    const [first, second, ofOther] = [{}, {}, { tenant: "u" }].map((part) => newJob({ type, dedupeKey, ...part }));
    await enqueue(store, first as NewJob, second as NewJob, ofOther as NewJob);
    await enqueue(store, newJob({ type, dedupeKey }));
    const claimed = await store.jobs.claim([type], 10, lease);
    expect(claimed.map((job) => job.tenant).sort()).toEqual(["t", "u"]);
    const next = newJob({ type, dedupeKey });
    await complete(
      store,
      claimed.find((job) => job.tenant === "t"),
      [next],
    );
    expect(await claimIds(store, type)).toEqual([next.id]);
  });

  test("a job that comes after others is free with the completion of the last, and says what it waits for", async () => {
    const { store, other } = probe();
    const type = fresh("probe.job");
    const [a, b] = [newJob({ type }), newJob({ type })];
    await enqueue(store, a, b);
    const c = newJob({ type, after: [a.id, b.id, "never stored"] });
    const d = newJob({ type, after: [c.id] });
    await enqueue(store, c, d);
    const [first, second] = await store.jobs.claim([type], 10, lease);
    expect([first?.id, second?.id]).toEqual([a.id, b.id]);
    const blocked = await store.jobs.list({ type, state: "blocked" });
    expect(blocked.map(({ id, after }) => ({ id, after }))).toEqual([
      { id: c.id, after: [a.id, b.id].sort() },
      { id: d.id, after: [c.id] },
    ]);
    expect(await complete(store, first)).not.toHaveProperty("releasedJobs");
    expect(await claimIds(other, type)).toEqual([]);
    expect(await complete(store, second)).toMatchObject({ releasedJobs: 1 });
    const [third] = await other.jobs.claim([type], 10, lease);
    expect(third?.id).toBe(c.id);
    await complete(other, third);
    expect(await claimIds(store, type)).toEqual([d.id]);
  });

  test("a job waits for a dead one until that is retried and done, and for the living one in whose favour one was left out", async () => {
    const { store } = probe();
    const type = fresh("probe.job");
    const first = newJob({ type, dedupeKey: "k" });
    await enqueue(store, first);
    const leftOut = newJob({ type, dedupeKey: "k" });
    const last = newJob({ type, after: [leftOut.id] });
    await enqueue(store, leftOut, last);
    const [claimed] = await store.jobs.claim([type], 10, lease);
    await store.jobs.fail(claimed as ClaimedJob, "broke", undefined);
    expect(await claimIds(store, type)).toEqual([]);
    await store.jobs.retry(first.id);
    const [again] = await store.jobs.claim([type], 10, lease);
    await complete(store, again);
    expect(await claimIds(store, type)).toEqual([last.id]);
  });

  test("a job that is enqueued after one that completes meanwhile is never forgotten", async () => {
    const { store, other } = probe();
    const type = fresh("probe.job");
    for (let turn = 0; turn < 20; turn++) {
      const first = newJob({ type });
      await enqueue(store, first);
      const [claimed] = await store.jobs.claim([type], 1, lease);
      const next = newJob({ type, after: [first.id] });
      await Promise.all([complete(store, claimed), enqueue(other, next)]);
      const [freed] = await store.jobs.claim([type], 1, lease);
      expect(freed?.id).toBe(next.id);
      await complete(store, freed);
    }
  });
}

function limitClauses(probe: () => Probe): void {
  test("of a type with a limit of concurrency no more run than it says, in all processes", async () => {
    const { store, other } = probe();
    const limited = typeWith({ concurrency: 2 });
    await store.jobs.declare([limited]);
    await enqueue(store, ...Array.from({ length: 5 }, () => newJob({ type: limited.type })));
    const claims = await Promise.all(
      [store, other, store, other].map(({ jobs }) => jobs.claim([limited.type], 5, lease)),
    );
    const claimed = claims.flat();
    expect(claimed).toHaveLength(2);
    expect(await store.jobs.nextDueMs([limited.type])).toBeUndefined();
    await complete(store, claimed[0]);
    expect(await claimIds(other, limited.type)).toHaveLength(1);
  });

  test("of a type with a rate limit no more begin than it says, in all processes, and more as time goes by", async () => {
    const { store, other } = probe();
    const limited = typeWith({ rateLimit: { runs: 4, perMs: 400 } });
    await store.jobs.declare([limited]);
    await enqueue(store, ...Array.from({ length: 20 }, () => newJob({ type: limited.type })));
    const began = performance.now();
    const claims = await Promise.all(
      [store, other, store, other].map(({ jobs }) => jobs.claim([limited.type], 9, lease)),
    );
    const most = () => 4 + Math.floor((performance.now() - began) / 100);
    let count = claims.flat().length;
    expect(count).toBeGreaterThanOrEqual(4);
    expect(count).toBeLessThanOrEqual(most());
    expect(await store.jobs.nextDueMs([limited.type])).toBeLessThanOrEqual(100);
    while (count < 12) {
      count += (await other.jobs.claim([limited.type], 9, lease)).length;
      expect(count).toBeLessThanOrEqual(most());
    }
  });

  test("of a paused type no process begins a job, and the others are not held up", async () => {
    const { store, other } = probe();
    const [paused, free] = [fresh("probe.job"), fresh("probe.job")];
    await enqueue(store, newJob({ type: paused }), newJob({ type: free }));
    await store.jobs.setPaused(paused, true);
    await store.jobs.setPaused(paused, true);
    expect((await other.jobs.claim([paused, free], 5, lease)).map(({ type }) => type)).toEqual([free]);
    expect(await other.jobs.nextDueMs([paused])).toBeUndefined();
    expect(await other.jobs.list({ type: paused })).toMatchObject([{ state: "paused" }]);
    await other.jobs.setPaused(paused, false);
    expect(await claimIds(store, paused)).toHaveLength(1);
  });

  test("an operator sees each job in its state", async () => {
    const { store } = probe();
    const type = fresh("probe.job");
    const [due, later] = [newJob({ type, priority: "high" }), newJob({ type, delayMs: 60_000 })];
    await enqueue(store, due, later);
    const [backlog] = await store.jobs.backlog([type]);
    expect(backlog).toEqual({ type, count: 1, oldestMs: expect.any(Number) });
    expect((await store.jobs.list({ type })).map(({ id, state }) => [id, state])).toEqual([
      [due.id, "waiting"],
      [later.id, "delayed"],
    ]);
    await store.jobs.claim([type], 1, lease);
    expect(await store.jobs.backlog([type])).toEqual([{ type, count: 0, oldestMs: 0 }]);
    const { input, tenant } = due;
    const [report] = await store.jobs.list({ type, state: "running" });
    expect(report).toMatchObject({ id: due.id, type, tenant, input, priority: "high", attempts: 1, owner: "worker 1" });
    expect(Math.abs((report?.dueAt ?? 0) - Date.now() - lease.ms)).toBeLessThan(10_000);
    expect(await store.jobs.list({ type, limit: 1 })).toHaveLength(1);
  });
}

function turnClauses(probe: () => Probe): void {
  const turn = (type: string, at: number, part: Partial<NewJob> = {}) => newJob({ id: `${type}@${at}`, type, ...part });

  test("a turn is stored once, ever: however many ask, also after it is done, and none before the last", async () => {
    const { store, other } = probe();
    const scheduled = typeWith({ schedule: "each second" });
    const { type } = scheduled;
    const [now] = await Promise.all([store.jobs.declare([scheduled]), other.jobs.declare([scheduled])]);
    const at = Math.floor(now) + 20;
    await eventually(async () => (await store.jobs.declare([scheduled])) > at);
    const ask = () => Promise.all([store, other, store, other].map(({ jobs }) => jobs.fire(turn(type, at), at)));
    await ask();
    const [claimed, ...rest] = await store.jobs.claim([type], 5, lease);
    expect(claimed?.id).toBe(`${type}@${at}`);
    expect(rest).toEqual([]);
    await complete(store, claimed);
    await ask();
    await other.jobs.fire(turn(type, at - 10), at - 10);
    expect(await claimIds(store, type)).toEqual([]);
  });

  test("no turn is stored before its time, before its schedule was declared, or while the one before waits", async () => {
    const { store } = probe();
    const scheduled = typeWith({ schedule: "one" });
    const { type } = scheduled;
    const now = await store.jobs.declare([scheduled]);
    const before = now - 1;
    await store.jobs.fire(turn(type, before), before);
    await store.jobs.fire(turn(type, now + 60_000), now + 60_000);
    expect(await claimIds(store, type)).toEqual([]);
    const first = now + 5;
    await eventually(
      async () => (await store.jobs.fire(turn(type, first, { dedupeKey: "schedule" }), first)) > first + 10,
    );
    const next = first + 5;
    await store.jobs.fire(turn(type, next, { dedupeKey: "schedule" }), next);
    expect(await claimIds(store, type)).toEqual([`${type}@${first}`]);
    // Another schedule has missed nothing; the same one, declared by a process that starts later, has.
    const changedAt = await store.jobs.declare([{ ...scheduled, schedule: "two" }]);
    await store.jobs.fire(turn(type, changedAt - 1), changedAt - 1);
    expect(await claimIds(store, type)).toEqual([]);
    const missed = changedAt + 5;
    await eventually(async () => (await store.jobs.declare([{ ...scheduled, schedule: "two" }])) > missed);
    await store.jobs.fire(turn(type, missed), missed);
    expect(await claimIds(store, type)).toEqual([`${type}@${missed}`]);
  });
}
