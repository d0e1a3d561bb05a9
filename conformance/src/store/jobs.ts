import type { ClaimedJob } from "@banyan/kernel/store";
import { expect, test } from "vitest";
import { budget, eventually, fresh, newJob, nothing, type Probe } from "./probe.ts";

const LEASE_MS = 60_000;

export function jobClauses(probe: () => Probe): void {
  test("a job is claimed by one worker, as it was stored, and leaves with its completion", async () => {
    const { store, other, item } = probe();
    const [job, id] = [newJob({ dedupeKey: "once" }), fresh("item")];
    await store.jobs.add([job]);
    const claims = await Promise.all(
      [store, other, store, other].map((worker) => worker.jobs.claim([job.type], 5, LEASE_MS)),
    );
    const [claimed] = claims.flat() as [ClaimedJob];
    expect(claims.flat()).toEqual([{ ...job, token: expect.any(Number), attempt: 1 }]);
    const run = store.beginJob(claimed, budget());
    await run.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    await run.commit(nothing);
    expect(await item(id)).toBe(1);
    expect(await store.jobs.nextDueMs([job.type])).toBeUndefined();
  });

  test("S6 a run whose lease went to another cannot commit, and leaves nothing", async () => {
    const { store, other, item } = probe();
    const [job, id] = [newJob(), fresh("item")];
    await store.jobs.add([job]);
    const [stale] = (await store.jobs.claim([job.type], 1, 1)) as [ClaimedJob];
    const slow = store.beginJob(stale, budget());
    await slow.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    const taken = await eventually(async () => (await other.jobs.claim([job.type], 1, LEASE_MS))[0]);
    expect(taken).toMatchObject({ id: job.id, attempt: 2 });
    expect(taken.token).toBeGreaterThan(stale.token);
    expect(await store.jobs.renew([stale], LEASE_MS)).toEqual(new Set());
    await expect(slow.commit(nothing)).rejects.toMatchObject({ code: "store.stale" });
    await slow.rollback();
    expect(await item(id)).toBeUndefined();
    await store.jobs.fail(stale, "stale", undefined);
    expect(await other.jobs.renew([taken], LEASE_MS)).toEqual(new Set([job.id]));
    await other.beginJob(taken, budget()).commit(nothing);
    await expect(other.beginJob(taken, budget()).commit(nothing)).rejects.toMatchObject({ code: "store.stale" });
  });

  test("S6 a run that was given up cannot commit later", async () => {
    const { store } = probe();
    const job = newJob();
    await store.jobs.add([job]);
    const [claimed] = (await store.jobs.claim([job.type], 1, LEASE_MS)) as [ClaimedJob];
    const late = store.beginJob(claimed, budget());
    await late.sql`SELECT 1`;
    await store.jobs.fail(claimed, "too slow", LEASE_MS);
    await expect(late.commit(nothing)).rejects.toMatchObject({ code: "store.stale" });
    await late.rollback();
  });

  test("due jobs come oldest due first, later ones when they are due", async () => {
    const { store } = probe();
    const type = fresh("probe.job");
    const [later, soon, now] = [newJob({ type, delayMs: 3_600_000 }), newJob({ type, delayMs: 30 }), newJob({ type })];
    await store.jobs.add([later, soon, now]);
    expect((await store.jobs.claim([type], 10, LEASE_MS)).map((job) => job.id)).toEqual([now.id]);
    const dueInMs = await store.jobs.nextDueMs([type]);
    expect(dueInMs).toBeLessThanOrEqual(30);
    const [claimed] = await eventually(async () => {
      const jobs = await store.jobs.claim([type], 10, LEASE_MS);
      return jobs.length > 0 && jobs;
    });
    expect(claimed?.id).toBe(soon.id);
    expect(await store.jobs.nextDueMs([type])).toBeGreaterThan(LEASE_MS - 10_000);
  });

  test("while a job with a dedupe key lives another is not stored; the run that completes it may store the next", async () => {
    const { store } = probe();
    const [type, dedupeKey] = [fresh("probe.job"), "daily"];
    await store.jobs.add([
      newJob({ type, dedupeKey }),
      newJob({ type, dedupeKey }),
      newJob({ type, dedupeKey, tenant: "u" }),
    ]);
    await store.beginCommands([], budget()).commit({ ...nothing, jobs: [newJob({ type, dedupeKey })] });
    const claimed = await store.jobs.claim([type], 10, LEASE_MS);
    expect(claimed.map((job) => job.tenant).sort()).toEqual(["t", "u"]);
    const next = newJob({ type, dedupeKey });
    const mine = claimed.find((job) => job.tenant === "t") as ClaimedJob;
    await store.beginJob(mine, budget()).commit({ events: [], jobs: [next] });
    expect((await store.jobs.claim([type], 10, LEASE_MS)).map((job) => job.id)).toEqual([next.id]);
  });

  test("a failed job comes again when told, and is dead where it is not; the dead can be revived", async () => {
    const { store } = probe();
    const [job, dedupeKey] = [newJob({ dedupeKey: "one" }), "one"];
    await store.jobs.add([job]);
    const [first] = (await store.jobs.claim([job.type], 1, LEASE_MS)) as [ClaimedJob];
    await store.jobs.fail(first, "broke", 0);
    const [second] = (await store.jobs.claim([job.type], 1, LEASE_MS)) as [ClaimedJob];
    expect(second.attempt).toBe(2);
    await store.jobs.fail(second, "broke for good", undefined);
    expect(await store.jobs.claim([job.type], 1, LEASE_MS)).toEqual([]);
    expect(await store.jobs.nextDueMs([job.type])).toBeUndefined();
    expect((await store.jobs.dead(1_000)).find(({ id }) => id === job.id)).toEqual({
      ...job,
      attempts: 2,
      error: "broke for good",
    });
    const rival = newJob({ type: job.type, dedupeKey });
    await store.jobs.add([rival]);
    expect(await store.jobs.revive(job.id)).toBe(false);
    const [living] = (await store.jobs.claim([job.type], 1, LEASE_MS)) as [ClaimedJob];
    expect(living.id).toBe(rival.id);
    await store.beginJob(living, budget()).commit(nothing);
    expect(await store.jobs.revive(job.id)).toBe(true);
    expect(await store.jobs.revive(job.id)).toBe(false);
    expect(await store.jobs.claim([job.type], 1, LEASE_MS)).toEqual([
      { ...job, attempt: 1, token: expect.any(Number) },
    ]);
  });
}
