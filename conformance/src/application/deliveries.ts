import { defineContract, event, implement, on } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, test } from "vitest";
import { z } from "zod";
import { addMany, type openApplications } from "./harness.ts";
import { tally } from "./tally.ts";

/** What holds for deliveries: D1 to D5 of outbox-feed.ts, L1 to L5 of lane.ts. */
export function deliveryClauses({ harness, started }: ReturnType<typeof openApplications>): void {
  test("D2 events of one key arrive in commit order, however many commands race", async () => {
    const { data, effects } = await harness();
    const { app } = await started(data);
    const names = ["a", "b", "c"];
    await Promise.all(
      // Time for a busy machine: all of them wait for three rows.
      Array.from({ length: 120 }, (_, n) =>
        app.call(tally.add, { name: names[n % 3] ?? "a", amount: n }, { deadlineMs: 25_000 }),
      ),
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

  test("D3 a backlog of many pages is delivered in order per key, and a key that waits holds up no other", async () => {
    const { data, effects } = await harness();
    const away = Object.assign(new Error("not yet"), {
      name: "Fault",
      code: "mail.down",
      kind: "unavailable",
      retry: "yes",
    });
    const { app } = await started(data, { onDelivery: () => Promise.reject(away) });
    const [many, keys] = [7_000, 7];
    await addMany(app, many, (n) => ({ name: `n${n % keys}`, amount: n }));
    await app.stop({ deadlineMs: 100 });
    await started(data, {
      onDelivery: ({ name }) => {
        if (name === "n0") throw new Error("this key waits");
      },
    });
    const heard = async () => (await effects("event")).map(({ name, amount }) => ({ name, amount }));
    await expect.poll(async () => (await heard()).length, { timeout: 20_000 }).toBe((many / keys) * (keys - 1));
    for (let key = 1; key < keys; key++) {
      const amounts = (await heard()).filter(({ name }) => name === `n${key}`).map(({ amount }) => amount);
      expect(amounts).toEqual(Array.from({ length: many / keys }, (_, n) => n * keys + key));
    }
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

  test("D4 a service that runs elsewhere gets its events there, also those of the time when it did not run", async () => {
    const { data } = await harness();
    const heard: number[] = [];
    const listener = implement(defineContract("listener", {}), {
      subscriptions: {
        hear: on(tally.added, (_ctx, { amount }) => {
          heard.push(amount);
        }),
      },
    });
    const elsewhere = async () => {
      const app = createApp({ services: [listener], store: data.store(), ...(data.log && { log: data.log() }) });
      await app.start();
      return app;
    };
    const { app } = await started(data);
    const first = await elsewhere();
    await app.call(tally.add, { name: "a", amount: 1 });
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual([1]);
    await first.stop();
    for (const amount of [2, 3]) await app.call(tally.add, { name: "a", amount });
    await app.settled();
    expect(heard).toEqual([1]);
    const second = await elsewhere();
    await second.settled();
    expect(heard).toEqual([1, 2, 3]);
    await second.stop();
  });

  test("D4 a subscriber of an older version passes over fields that it does not know", async () => {
    const { data } = await harness();
    const heard: unknown[] = [];
    const older = defineContract("tally", {
      events: { added: event({ data: z.strictObject({ amount: z.int() }), key: () => "" }) },
    });
    const listener = implement(defineContract("listener", {}), {
      subscriptions: {
        hear: on(older.added, (_ctx, given) => {
          heard.push(given);
        }),
      },
    });
    const elsewhere = createApp({ services: [listener], store: data.store(), ...(data.log && { log: data.log() }) });
    await elsewhere.start();
    const { app } = await started(data);
    await app.call(tally.add, { name: "a", amount: 1 });
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual([{ amount: 1 }]);
    await elsewhere.stop();
  });

  test("D5 events that are sent again reach a service that came later, in order, and have no second effect where they had one", async () => {
    const { data, effects } = await harness();
    const { app } = await started(data);
    for (const amount of [1, 2, 3]) await app.call(tally.add, { name: "a", amount });
    await app.settled();
    const heard: number[] = [];
    const late = implement(defineContract("late", {}), {
      subscriptions: { hear: on(tally.added, (_ctx, { amount }) => void heard.push(amount)) },
    });
    const elsewhere = createApp({ services: [late], store: data.store(), ...(data.log && { log: data.log() }) });
    await elsewhere.start();
    expect((await app.republish(0)).count).toBeGreaterThanOrEqual(3);
    await app.call(tally.add, { name: "a", amount: 4 });
    await app.settled();
    await elsewhere.settled();
    await elsewhere.stop();
    // A handler may be begun for an event that was handled, and is rolled back: memory is no effect.
    expect([...new Set(heard)]).toEqual([1, 2, 3, 4]);
    expect((await effects("event")).map(({ amount }) => amount)).toEqual([1, 2, 3, 4]);
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
    // Where others came with it, they were tried together first, and that counts for nothing.
    expect(attempts.filter((attempt, index) => attempt !== attempts[index - 1])).toEqual([1, 2, 3, 1, 2, 3]);
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
}
