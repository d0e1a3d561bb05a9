import type { App, createApp } from "@banyan/kernel/app";
import { type Store, storeFaults } from "@banyan/kernel/store";
import { describe, expect, test } from "vitest";
import { deliveryClauses } from "./deliveries.ts";
import { type ApplicationHarness, openApplications } from "./harness.ts";
import { longEventClauses } from "./long-events.ts";
import { brieflyMs, tally } from "./tally.ts";

export { createAppOverWire } from "./over-wire.ts";

/** The store, whose first `count` commits of commands take effect while their answers are lost. */
function losingReplies(store: Store, count: number): Store {
  let left = count;
  const beginCommands: Store["beginCommands"] = (keys, budget) => {
    const transaction = store.beginCommands(keys, budget);
    const commit: typeof transaction.commit = async (closing) => {
      const committed = await transaction.commit(closing);
      if (left-- > 0) throw storeFaults.uncertain();
      return committed;
    };
    return { ...transaction, commit };
  };
  return { ...store, beginCommands };
}

/**
 * What an application promises on any store, made by `create`: as it is, or with its callers behind a bus. The numbers are those of command.ts, lane.ts, dispatcher.ts and workers.ts.
 */
export function describeApplication(
  name: string,
  open: () => Promise<ApplicationHarness>,
  create?: typeof createApp,
): void {
  describe(`an application on ${name}`, () => {
    const { harness, started } = openApplications(open, create);
    const value = async (app: App, counter: string) => (await app.call(tally.value, { name: counter })).value;
    const count = async (data: ApplicationHarness, table: string) =>
      Number((await data.rows<{ count: string }>(`SELECT count(*) FROM ${table}`))[0]?.count);

    test("C1 a command that fails leaves nothing: no row, no event, no record", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      await expect(app.call(tally.add, { name: "a", amount: 1, behave: "bug" })).rejects.toMatchObject({
        code: "kernel.internal",
      });
      await expect(app.call(tally.add, { name: "a", amount: 1, behave: "fault" })).rejects.toMatchObject({
        code: "tally.tooMuch",
      });
      expect(await value(app, "a")).toBe(0);
      expect(await count(data, "banyan.event")).toBe(0);
      expect(await count(data, "banyan.command")).toBe(0);
    });

    test("C1 a command that succeeds leaves its row, its event and its record, once", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data);
      await app.call(tally.add, { name: "a", amount: 2 });
      await app.settled();
      expect(await value(app, "a")).toBe(2);
      expect(await count(data, "banyan.event")).toBe(1);
      expect(await count(data, "banyan.command")).toBe(1);
      expect(await effects("event")).toEqual([{ source: "event", name: "a", amount: 2 }]);
    });

    test("C2 fifty calls at once under one idempotency key have one effect and one answer", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      const calls = Array.from({ length: 50 }, () =>
        app.call(tally.add, { name: "a", amount: 5 }, { idempotencyKey: "k" }),
      );
      const answers = await Promise.all(calls);
      expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(new Set(['{"value":5}']));
      expect(await value(app, "a")).toBe(5);
    });

    test("C2 a replay answers after a restart, and says that it is one", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      await app.call(tally.add, { name: "a", amount: 5 }, { idempotencyKey: "k" });
      await app.stop();
      const { app: next } = await started(data);
      const notes = { replayed: false, cached: false };
      expect(await next.call(tally.add, { amount: 5, name: "a" }, { idempotencyKey: "k", notes })).toEqual({
        value: 5,
      });
      expect(notes.replayed).toBe(true);
    });

    test("C2 the same key with another body or action is a conflict, and another tenant's key is another key", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      const idempotencyKey = "k";
      await app.call(tally.add, { name: "a", amount: 5 }, { idempotencyKey });
      const conflict = { code: "kernel.idempotencyConflict", kind: "conflict" };
      await expect(app.call(tally.add, { name: "a", amount: 6 }, { idempotencyKey })).rejects.toMatchObject(conflict);
      await expect(app.call(tally.later, { name: "a", amount: 5 }, { idempotencyKey })).rejects.toMatchObject(conflict);
      const identity = { subject: "eve", tenant: "other", permissions: new Set(["*"]) };
      expect(await app.call(tally.add, { name: "a", amount: 7 }, { idempotencyKey, identity })).toEqual({ value: 7 });
    });

    test("C2 who has an idempotency scope shares keys with those of that scope alone", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      const of = (subject: string, idempotencyScope?: string) => {
        return { subject, tenant: "default", permissions: new Set(["*"]), idempotencyScope };
      };
      const add = (identity: ReturnType<typeof of>, amount: number) =>
        app.call(tally.add, { name: "a", amount }, { idempotencyKey: "k", identity });
      expect([await add(of("ann", "one"), 1), await add(of("bob", "two"), 2), await add(of("cy"), 4)]).toEqual([
        { value: 1 },
        { value: 3 },
        { value: 7 },
      ]);
      expect([await add(of("ann's other key", "one"), 1), await value(app, "a")]).toEqual([{ value: 1 }, 7]);
    });

    for (const action of [tally.tell, tally.tellMany]) {
      test(`C2 what ${action.id} answers is given once, and stored nowhere`, async () => {
        const { data } = await harness();
        const { app } = await started(data);
        const call = (idempotencyKey?: string) => app.call(action, { name: "ann", amount: 1 }, { idempotencyKey });
        expect([await call("k"), await call()]).toEqual([{ secret: "ann's secret" }, { secret: "ann's secret" }]);
        const again = { code: "kernel.answeredOnce", kind: "conflict", details: { action: action.id } };
        await expect(call("k")).rejects.toMatchObject(again);
        const records = await data.rows("SELECT * FROM banyan.command");
        expect(records).toHaveLength(2);
        expect(JSON.stringify(records)).not.toContain("ann's secret");
      });
    }

    test("C3 a business fault is replayed, an unexpected error is tried again", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      const fault = () => app.call(tally.add, { name: "a", amount: 1, behave: "fault" }, { idempotencyKey: "fault" });
      const notes = { replayed: false, cached: false };
      await expect(fault()).rejects.toMatchObject({ code: "tally.tooMuch", details: { name: "a" } });
      const again = app.call(tally.add, { name: "a", amount: 1, behave: "fault" }, { idempotencyKey: "fault", notes });
      await expect(again).rejects.toMatchObject({ code: "tally.tooMuch", details: { name: "a" } });
      expect(notes.replayed).toBe(true);
      const reported: unknown[] = [];
      const { app: other } = await started(data, {}, reported);
      const bug = () => other.call(tally.add, { name: "a", amount: 1, behave: "bug" }, { idempotencyKey: "bug" });
      await expect(bug()).rejects.toMatchObject({ code: "kernel.internal" });
      await expect(bug()).rejects.toMatchObject({ code: "kernel.internal" });
      expect(reported).toHaveLength(2);
    });

    test("C4 two commands that deadlock both succeed", async () => {
      const { data } = await harness();
      let waiting: (() => void)[] = [];
      const meet = () =>
        new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length < 2) return setTimeout(resolve, 500);
          for (const go of waiting) go();
          waiting = [];
        });
      const { app } = await started(data, { between: meet });
      for (const counter of ["a", "b"]) await app.call(tally.add, { name: counter, amount: 1 });
      await Promise.all([
        app.call(tally.swap, { first: "a", second: "b" }),
        app.call(tally.swap, { first: "b", second: "a" }),
      ]);
      expect([await value(app, "a"), await value(app, "b")]).toEqual([3, 3]);
    });

    for (const action of [tally.add, tally.addMany]) {
      test(`C4 where the commit of ${action.id} is uncertain, a call with a key has one effect, and one without is told`, async () => {
        const { data } = await harness();
        const { app } = await started({ ...data, store: () => losingReplies(data.store(), 2) });
        const call = (n: number, idempotencyKey?: string) =>
          app.call(action, { name: `n${n}`, amount: 1 }, { idempotencyKey });
        const [keyed, keyless] = await Promise.allSettled([call(1, "k1"), call(2)]);
        expect(keyed).toMatchObject({ status: "fulfilled", value: { value: 1 } });
        expect(keyless).toMatchObject({ status: "rejected", reason: { code: "store.uncertain", retry: "unknown" } });
        expect(await count(data, "banyan.event")).toBe(2);
      });
    }

    test("C5 a command that outlives its deadline does not commit", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      const slow = app.call(tally.add, { name: "a", amount: 1, behave: "slow" }, { deadlineMs: 100 });
      await expect(slow).rejects.toMatchObject({ kind: "deadline" });
      await app.stop();
      const { app: next } = await started(data);
      expect(await value(next, "a")).toBe(0);
    });

    test("what a handler says after its end is refused", async () => {
      const { data } = await harness();
      const { app, behaviour } = await started(data);
      await app.call(tally.add, { name: "a", amount: 1 });
      expect(() => behaviour.leaked?.()).toThrow("the handler has returned");
    });

    test("a query cannot change anything", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      await app.call(tally.add, { name: "a", amount: 1 });
      await expect(app.call(tally.meddle, {})).rejects.toMatchObject({ code: "kernel.internal" });
      expect(await value(app, "a")).toBe(1);
    });

    test("a cached answer ends at the commit of the command that names its tag", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      expect(await app.call(tally.cached, { name: "a" })).toEqual({ value: 0 });
      await app.call(tally.add, { name: "b", amount: 1 });
      const notes = { replayed: false, cached: false };
      await app.call(tally.cached, { name: "a" }, { notes });
      expect(notes.cached).toBe(true);
      await app.call(tally.add, { name: "a", amount: 1 });
      expect(await app.call(tally.cached, { name: "a" })).toEqual({ value: 1 });
    });

    test("a cached answer of another process holds what was committed its ttlMs before it was asked for", async () => {
      const { data } = await harness();
      const [{ app }, { app: other }] = [await started(data), await started(data)];
      const asked = async () => {
        const askedMs = performance.now();
        return { askedMs, ...(await other.call(tally.briefly, { name: "a" })) };
      };
      expect(await asked()).toMatchObject({ value: 0 });
      await app.call(tally.add, { name: "a", amount: 1 });
      const committedMs = performance.now();
      let staleAtMs = committedMs;
      for (let answer = await asked(); answer.value === 0; answer = await asked()) staleAtMs = answer.askedMs;
      expect(staleAtMs - committedMs).toBeLessThan(brieflyMs);
    });

    test("commands in flight share a transaction, each with its own verdict, event and record", async () => {
      const { data, effects } = await harness();
      const { app, behaviour } = await started(data);
      const calls = Array.from({ length: 60 }, (_, n) =>
        app.call(
          tally.addMany,
          { name: `n${n}`, amount: n, behave: n % 10 === 3 ? "fault" : "well" },
          { idempotencyKey: `k${n}` },
        ),
      );
      const outcomes = await Promise.allSettled(calls);
      expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(6);
      expect(outcomes[13]).toMatchObject({
        status: "rejected",
        reason: { code: "tally.tooMuch", details: { name: "n13" } },
      });
      expect(Math.max(...behaviour.batchSizes)).toBeGreaterThan(10);
      expect(await effects("batch")).toHaveLength(54);
      expect(await count(data, "banyan.event")).toBe(54);
      expect(await count(data, "banyan.command")).toBe(60);
    });

    test("a batch that fails runs each item alone, and replays answer from their records", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data);
      const call = (n: number, behave: string) =>
        app.call(tally.addMany, { name: `n${n}`, amount: n, behave }, { idempotencyKey: `k${n}` });
      const first = await Promise.allSettled([call(1, "well"), call(2, "bug"), call(3, "well"), call(1, "well")]);
      expect(first.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
      const second = await Promise.all([call(1, "well"), call(3, "well"), call(4, "well")]);
      expect(second).toEqual([{ value: 1 }, { value: 3 }, { value: 4 }]);
      expect((await effects("batch")).map(({ amount }) => amount).sort()).toEqual([1, 3, 4]);
    });

    test("groups of a batched command go beside each other where it says so, and only full ones", async () => {
      const { data } = await harness();
      let [atOnce, most] = [0, 0];
      const { promise: met, resolve } = Promise.withResolvers<void>();
      const between = async () => {
        most = Math.max(most, ++atOnce);
        if (atOnce === 2) resolve();
        await met;
        atOnce--;
      };
      const { app, behaviour } = await started(data, { between });
      const call = (_: unknown, n: number) => app.call(tally.addBeside, { name: `n${n}`, amount: n });
      await Promise.all(Array.from({ length: 14 }, call));
      expect(most).toBe(2);
      expect(behaviour.batchSizes).toEqual([4, 4, 4, 2]);
      expect(await count(data, "banyan.event")).toBe(14);
    });

    deliveryClauses({ harness, started });
    longEventClauses({ harness, started });

    test("J2 a job runs after its command's commit, and its effect and completion commit together", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data, {
        onWork: (attempt) => (attempt < 3 ? Promise.reject(new Error("not yet")) : undefined),
      });
      await app.call(tally.later, { name: "a", amount: 4 });
      await app.settled();
      await expect.poll(() => effects("job"), { timeout: 5_000 }).toEqual([{ source: "job", name: "a", amount: 4 }]);
      expect(await value(app, "a")).toBe(4);
    });

    test("J3 a job that keeps failing goes to the dead after its attempts, and runs again when it is retried", async () => {
      const { data, effects } = await harness();
      let isBroken = true;
      const onWork = () => {
        if (isBroken) throw new Error("never");
      };
      const { app } = await started(data, { onWork });
      await app.call(tally.later, { name: "a", amount: 4 });
      await expect
        .poll(() => app.jobs({ state: "dead" }), { timeout: 5_000 })
        .toMatchObject([{ type: "tally.work", attempts: 3 }]);
      expect(await effects("job")).toEqual([]);
      isBroken = false;
      const [dead] = await app.jobs({ state: "dead" });
      expect(await app.retryJob(dead?.id ?? "")).toBe(true);
      expect(await app.retryJob(dead?.id ?? "")).toBe(false);
      await expect.poll(() => effects("job"), { timeout: 5_000 }).toHaveLength(1);
      // The command that the job calls took effect in the first run, and never again.
      expect(await value(app, "a")).toBe(4);
    });

    test("J4 a scheduled job runs once per turn, however many processes there are", async () => {
      const { data } = await harness();
      const first = await started(data);
      const second = await started(data);
      const began = Date.now();
      await expect.poll(() => first.behaviour.ticks + second.behaviour.ticks, { timeout: 5_000 }).toBeGreaterThan(4);
      const ticks = first.behaviour.ticks + second.behaviour.ticks;
      expect(ticks).toBeLessThanOrEqual((Date.now() - began) / 100 + 2);
    });
  });
}
