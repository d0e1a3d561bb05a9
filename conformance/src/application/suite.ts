import { type App, createApp } from "@banyan/kernel/app";
import { type Store, storeFaults } from "@banyan/kernel/store";
import { afterEach, describe, expect, test } from "vitest";
import { type Behaviour, tally, tallyService } from "./tally.ts";

/** What the suite needs of the store that it holds to its promises. */
export interface ApplicationHarness {
  /** A new store on the same data: what a process has after a restart. */
  readonly store: () => Store;
  /** Rows of a statement on the data, around the store. */
  readonly rows: <Row>(sql: string) => Promise<Row[]>;
  /** Empties everything. */
  readonly close: () => Promise<void>;
}

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

type Effect = { source: string; name: string; amount: number };

/** What an application promises on any store; the numbers are those of command.ts, lane.ts, dispatcher.ts and workers.ts. */
export function describeApplication(name: string, open: () => Promise<ApplicationHarness>): void {
  describe(`an application on ${name}`, () => {
    const ends: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    async function harness() {
      const data = await open();
      ends.push(data.close);
      const effects = (source: string) =>
        data.rows<Effect>(
          `SELECT source, name, amount::int FROM tally.effect WHERE source = '${source}' ORDER BY position`,
        );
      return { data, effects };
    }

    async function started(data: ApplicationHarness, given: Partial<Behaviour> = {}, reported: unknown[] = []) {
      const behaviour: Behaviour = {
        onDelivery: () => {},
        onEffect: null,
        onWork: () => {},
        between: async () => {},
        batchSizes: [],
        foldSizes: [],
        ticks: 0,
        leaked: undefined,
        ...given,
      };
      const app = createApp({
        services: [tallyService(behaviour)],
        store: data.store(),
        report: (error) => reported.push(error),
      });
      ends.push(() => app.stop({ deadlineMs: 2_000 }));
      await app.start();
      return { app, behaviour };
    }

    const value = async (app: App, counter: string) => (await app.call(tally.value, { name: counter })).value;
    /** As one group of commands or a few, so that their events come in groups too. */
    const addMany = (app: App, many: number, input: (n: number) => { name: string; amount: number }) =>
      Promise.all(Array.from({ length: many }, (_, n) => app.call(tally.addMany, input(n))));
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

    test("D2 events of one key arrive in commit order, however many commands race", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data);
      const names = ["a", "b", "c"];
      await Promise.all(
        Array.from({ length: 120 }, (_, n) => app.call(tally.add, { name: names[n % 3] ?? "a", amount: n })),
      );
      await app.settled();
      const committed = await data.rows<{ key: string; amount: number }>(
        "SELECT key, (data->>'amount')::int AS amount FROM (SELECT key, version, data::jsonb AS data FROM banyan.event) AS e ORDER BY key, version",
      );
      for (const name of names) {
        const arrived = (await effects("event")).filter((effect) => effect.name === name).map(({ amount }) => amount);
        expect(arrived).toEqual(committed.filter(({ key }) => key === name).map(({ amount }) => amount));
        expect(arrived).toHaveLength(40);
      }
    });

    test("D1 what one process committed and did not deliver, the next delivers, once", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data, { onDelivery: () => Promise.reject(new Error("not now")) });
      for (const amount of [1, 2, 3]) await app.call(tally.add, { name: "a", amount });
      await app.stop({ deadlineMs: 100 });
      expect(await effects("event")).toEqual([]);
      const { app: next } = await started(data);
      await next.settled();
      expect((await effects("event")).map(({ amount }) => amount)).toEqual([1, 2, 3]);
    });

    test("D4 of two processes on one database one delivers, and each event has one effect", async () => {
      const { data, effects } = await harness();
      const [{ app: one }, { app: two }] = [await started(data), await started(data)];
      await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 ? one : two).call(tally.add, { name: `n${n % 5}`, amount: n })),
      );
      await Promise.all([one.settled(), two.settled()]);
      expect((await effects("event")).map(({ amount }) => amount).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 40 }, (_, n) => n),
      );
    });

    test("L2 handlers of a group that say what they say in one go run at once", async () => {
      const { data, effects } = await harness();
      let [running, most] = [0, 0];
      const { app } = await started(data, {
        onDelivery: async () => {
          most = Math.max(most, ++running);
          await new Promise(setImmediate);
          running--;
        },
      });
      await addMany(app, 100, (n) => ({ name: `n${n % 50}`, amount: n }));
      await app.settled();
      expect(most).toBeGreaterThan(4);
      expect(await effects("event")).toHaveLength(100);
    });

    test("L2 handlers of a group that read before they write have the effect of one after the other", async () => {
      const { data } = await harness();
      const { app } = await started(data, {
        onEffect: async (sql, { amount }) => {
          const [row] = await sql<{ amount: number }>`SELECT amount FROM tally.total WHERE name = 'read' FOR UPDATE`;
          await sql`UPDATE tally.total SET amount = ${(row?.amount ?? 0) + amount} WHERE name = 'read'`;
        },
      });
      await data.rows("INSERT INTO tally.total VALUES ('read', 0)");
      await addMany(app, 200, (n) => ({ name: `n${n % 50}`, amount: n }));
      await app.settled();
      expect(await data.rows("SELECT amount::int FROM tally.total WHERE name = 'read'")).toEqual([{ amount: 19_900 }]);
    });

    test("L3 one that fails among many of a group is buried, and each of the others has one effect", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data, {
        onEffect: (sql, { name, amount }) =>
          sql`INSERT INTO tally.effect (source, name, amount) VALUES ('event', ${name}, 1 / ${amount}::int)`,
      });
      await addMany(app, 60, (n) => ({ name: `n${n % 30}`, amount: n % 20 }));
      await app.settled({ deadlineMs: 20_000 });
      expect(await effects("event")).toHaveLength(57);
      const letters = await app.deadLetters({ subscriber: "tally.react" });
      expect(letters.map(({ attempts, event: { data: text } }) => [attempts, JSON.parse(text).amount])).toEqual(
        Array(3).fill([3, 0]),
      );
    });

    test("L4 an event that keeps failing is buried after its attempts; other keys never wait, and redriving it works", async () => {
      const { data, effects } = await harness();
      let broken = true;
      const attempts: number[] = [];
      const { app } = await started(data, {
        onDelivery: ({ name }, attempt) => {
          if (name !== "poison" || !broken) return;
          attempts.push(attempt);
          throw new Error("cannot digest this");
        },
      });
      await app.call(tally.add, { name: "poison", amount: 1 });
      await app.call(tally.add, { name: "good", amount: 2 });
      await app.call(tally.add, { name: "poison", amount: 3 });
      await app.settled();
      expect((await effects("event")).map(({ amount }) => amount)).toEqual([2]);
      const letters = await app.deadLetters();
      expect(letters).toMatchObject([
        { subscriber: "tally.react", attempts: 3, error: expect.stringContaining("cannot digest this") },
        { subscriber: "tally.react" },
      ]);
      expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
      expect(await app.redrive(letters[0]?.id ?? "")).toBe("failed");
      broken = false;
      for (const { id } of letters) expect(await app.redrive(id)).toBe("handled");
      expect(await app.redrive(letters[0]?.id ?? "")).toBe("gone");
      expect((await effects("event")).map(({ amount }) => amount).sort()).toEqual([1, 2, 3]);
      expect(await app.deadLetters()).toEqual([]);
    });

    test("L1 events of one key stay in order through failures and retries", async () => {
      const { data, effects } = await harness();
      const { app } = await started(data, {
        onDelivery: ({ amount }, attempt) => {
          if (attempt === 1 && amount % 7 === 3) throw new Error("the first try fails");
        },
      });
      const commands = Array.from({ length: 60 }, (_, n) => ({ name: `n${n % 2}`, amount: n, behave: "well" }));
      for (const input of commands) await app.call(tally.add, input);
      await app.settled();
      for (const name of ["n0", "n1"]) {
        const arrived = (await effects("event")).filter((effect) => effect.name === name).map(({ amount }) => amount);
        expect(arrived).toEqual(commands.filter((input) => input.name === name).map(({ amount }) => amount));
      }
    });

    test("L5 an outage of what the handler needs spends no attempts", async () => {
      const { data, effects } = await harness();
      let calls = 0;
      const { app } = await started(data, {
        onDelivery: () => {
          if (++calls < 6)
            throw Object.assign(new Error("down"), {
              name: "Fault",
              code: "mail.down",
              kind: "unavailable",
              retry: "yes",
            });
        },
      });
      await app.call(tally.add, { name: "a", amount: 1 });
      await app.settled();
      expect(await effects("event")).toHaveLength(1);
      expect(await app.deadLetters()).toEqual([]);
    });

    test("a projection that is rebuilt equals the live one, and goes on from there", async () => {
      const { data } = await harness();
      const { app } = await started(data);
      const totals = () => data.rows("SELECT name, amount::int FROM tally.total ORDER BY name");
      for (let n = 0; n < 30; n++) await app.call(tally.add, { name: `n${n % 4}`, amount: n });
      await app.settled();
      const live = await totals();
      await data.rows("UPDATE tally.total SET amount = 0");
      expect(await app.rebuild("tally.total")).toEqual({ foldedCount: 30 });
      expect(await totals()).toEqual(live);
      await app.call(tally.add, { name: "n0", amount: 1 });
      await app.settled();
      expect(await totals()).not.toEqual(live);
      await expect(app.rebuild("tally.totals")).rejects.toThrow("did you mean tally.total?");
    });

    test("events that a handler takes together are one run, and one that cannot be handled is buried alone", async () => {
      const { data } = await harness();
      const { app, behaviour } = await started(data);
      const names = Array.from({ length: 40 }, (_, n) => (n === 20 ? "unfoldable" : `n${n % 4}`));
      await Promise.all(names.map((name) => app.call(tally.add, { name, amount: 1 })));
      await app.settled();
      expect(Math.max(...behaviour.foldSizes)).toBeGreaterThan(1);
      const [total] = await data.rows<{ sum: number }>("SELECT sum(amount)::int AS sum FROM tally.total");
      expect(total?.sum).toBe(39);
      expect(await app.deadLetters({ subscriber: "tally.total" })).toMatchObject([
        { attempts: 2, event: { key: "unfoldable" } },
      ]);
    });

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

    test("J3 a job that keeps failing goes to the dead after its attempts, and runs again when it is revived", async () => {
      const { data, effects } = await harness();
      let isBroken = true;
      const onWork = () => {
        if (isBroken) throw new Error("never");
      };
      const { app } = await started(data, { onWork });
      await app.call(tally.later, { name: "a", amount: 4 });
      await expect.poll(() => app.deadJobs(), { timeout: 5_000 }).toMatchObject([{ type: "tally.work", attempts: 3 }]);
      expect(await effects("job")).toEqual([]);
      isBroken = false;
      const [dead] = await app.deadJobs();
      expect(await app.reviveJob(dead?.id ?? "")).toBe(true);
      expect(await app.reviveJob(dead?.id ?? "")).toBe(false);
      await expect.poll(() => effects("job"), { timeout: 5_000 }).toHaveLength(1);
      // The command that the job calls took effect in the first run, and never again.
      expect(await value(app, "a")).toBe(4);
    });

    test("J4 a scheduled job runs once per turn, however many processes there are", async () => {
      const { data } = await harness();
      const first = await started(data);
      const second = await started(data);
      await expect.poll(() => first.behaviour.ticks + second.behaviour.ticks, { timeout: 5_000 }).toBeGreaterThan(2);
      const stored = await data.rows("SELECT 1 FROM banyan.job WHERE type = 'tally.tick'");
      expect(stored).toHaveLength(1);
    });
  });
}
