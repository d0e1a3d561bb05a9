import { expect, test, vi } from "vitest";
import type { Start } from "./harness.ts";
import { type Behaviour, laterOrders, orders, stock } from "./orders.ts";

export function waitClauses(start: Start): void {
  test("a time that has passed fires at once, and a sleeper wakes in whatever process lives then, in the trace that it began in", async () => {
    const place: Behaviour["place"] = async (flow) => {
      await flow.sleep("past", { until: flow.startedAt - 1 });
      await flow.sleep("a while", { until: flow.startedAt + 1_500 });
      return { said: `awake in ${flow.traceId}` };
    };
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const first = await start({ place });
    await expect(
      first.app.call(orders.place, { name: "x" }, { idempotencyKey: "k", deadlineMs: 1_000, traceId }),
    ).rejects.toMatchObject({ code: "kernel.pending" });
    await first.app.stop();
    const second = await first.another({ place });
    expect(await second.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" })).toEqual({
      said: `awake in ${traceId}`,
    });
  });

  test("a time long past fires at once, and one that is none is named with its step, beside runs that go on", async () => {
    const { app, behaviour, reported } = await start();
    behaviour.place = async (flow) => {
      await flow.sleep("ice age", { until: -1e15 });
      const told = await flow.waitFor("before", stock.told, { key: "x", withinMs: -1e15 });
      return { said: String(told) };
    };
    expect(await app.call(orders.place, { name: "x" })).toEqual({ said: "undefined" });
    for (const until of [Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
      behaviour.place = async (flow) => {
        await flow.sleep("the end", { until });
        return { said: "" };
      };
      app.call(orders.place, { name: "y" }).catch(() => {});
      await vi.waitFor(() => expect(String(reported.at(-1))).toContain(`the step "the end" waits until ${until}, `));
    }
    behaviour.place = async (flow) => {
      await flow.waitFor("news", stock.told, { key: "z", withinMs: Number.POSITIVE_INFINITY });
      return { said: "" };
    };
    app.call(orders.place, { name: "z" }).catch(() => {});
    await vi.waitFor(() => expect(String(reported.at(-1))).toContain('the step "news" waits until Infinity, '));
  });

  test("a test skips the time that a run waits for, and hears what it does then", async () => {
    const { app } = await start({
      place: async (flow, { name }) => {
        await flow.sleep("a week", 7 * 86_400_000);
        const told = await flow.waitFor("told", stock.told, { key: name, withinMs: 86_400_000 });
        return { said: told === undefined ? "nobody said anything" : told.name };
      },
    });
    const placed = app.call(orders.place, { name: "ink" });
    const skip = async (step: string) => {
      const run = await vi.waitFor(async () => {
        const [found] = await app.workflows.list({ state: "waiting" });
        const shown = found && (await app.workflows.show(found.id));
        expect(shown?.steps.at(-1)).toMatchObject({ name: step });
        return found?.id ?? "";
      });
      await app.workflows.skipTime(run);
      return run;
    };
    await skip("a week");
    const run = await skip("told");
    expect(await placed).toEqual({ said: "nobody said anything" });
    await expect(app.workflows.skipTime(run)).rejects.toMatchObject({ code: "kernel.unknownRun" });
  });

  test("K4 code that does not come to what a run has done is named with the step", async () => {
    const reached = Promise.withResolvers<void>();
    const first = await start({
      place: async (flow) => {
        await flow.run("pay", () => 1);
        await flow.sleep("rest", 100);
        reached.resolve();
        return { said: "" };
      },
    });
    first.app.call(orders.place, { name: "x" }, { idempotencyKey: "k", deadlineMs: 50 }).catch(() => {});
    await vi.waitFor(async () => expect(await first.app.state).toBe("started"));
    await first.app.stop();
    const second = await first.another({
      place: async (flow) => {
        await flow.run("charge", () => 1);
        return { said: "" };
      },
    });
    second.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" }).catch(() => {});
    await vi.waitFor(() =>
      expect(second.reported.map(String).join()).toContain('the step "pay" was taken by this run'),
    );
  });

  test("W3 an event wakes who waits for it, and one that came before the wait is not missed", async () => {
    const { app } = await start({
      place: async (flow, { name }) => {
        const first = await flow.waitFor("first", stock.told, { key: name });
        const second = await flow.waitFor("second", stock.told, { key: name });
        const late = await flow.waitFor("late", stock.told, { key: "never", withinMs: 1 });
        return { said: `${first.name} ${second.name} ${late === undefined}` };
      },
    });
    const placed = app.call(orders.place, { name: "ink" });
    await vi.waitFor(async () => expect(await app.workflows.list({ state: "waiting" })).toHaveLength(1));
    await app.call(stock.tell, { name: "pen" });
    await app.call(stock.tell, { name: "ink" });
    await app.call(stock.tell, { name: "ink" });
    expect(await placed).toEqual({ said: "ink ink true" });
  });

  test("W3 what comes after a run began is heard, though it began in a process whose clock is ahead", async () => {
    const { app } = await start({
      now: () => Date.now() + 60_000,
      place: async (flow, { name }) => ({ said: (await flow.waitFor("told", stock.told, { key: name })).name }),
    });
    const placed = app.call(orders.place, { name: "ink" });
    await vi.waitFor(async () => expect(await app.workflows.list({ state: "waiting" })).toHaveLength(1));
    await app.call(stock.tell, { name: "ink" });
    expect(await placed).toEqual({ said: "ink" });
  });

  test("a signal reaches its run alone, and what nobody waits for is not found", async () => {
    const { app } = await start({
      place: async (flow) => {
        const decided = await flow.waitFor("decision", orders.place.signals.decided);
        return { said: String(decided.yes) };
      },
    });
    const placed = app.call(orders.place, { name: "ink" });
    const waiting = await vi.waitFor(async () => {
      const [run] = await app.workflows.list({ state: "waiting" });
      expect(run).toBeDefined();
      return run?.id ?? "";
    });
    const signal = app.workflows.signal;
    await expect(signal("nobody", "decided", {})).rejects.toMatchObject({
      code: "kernel.unknownRun",
      kind: "not_found",
    });
    await expect(signal(waiting, "decide", {})).rejects.toMatchObject({
      code: "kernel.unknownSignal",
      details: { nearest: ["decided"] },
    });
    await expect(signal(waiting, "decided", { yes: 1 })).rejects.toMatchObject({ code: "kernel.invalidInput" });
    await signal(waiting, "decided", { yes: true });
    expect(await placed).toEqual({ said: "true" });
  });

  test("runs that were started in one millisecond are listed page by page, each once", async () => {
    const startedAt = Date.now();
    const { app } = await start({
      now: () => startedAt,
      place: async (flow, { name }) => {
        await flow.waitFor("decision", orders.place.signals.decided);
        return { said: name };
      },
    });
    const names = ["ink", "pen", "pad", "nib", "cap"];
    for (const name of names) app.call(orders.place, { name }).catch(() => {});
    await vi.waitFor(async () => expect(await app.workflows.list({ state: "waiting" })).toHaveLength(names.length));
    const whole = await app.workflows.list();
    const first = await app.workflows.list({ limit: 2 });
    const second = await app.workflows.list({ limit: 2, after: first.at(-1) });
    const third = await app.workflows.list({ limit: 2, after: second.at(-1) });
    expect(new Set(whole.map((run) => run.startedAt))).toEqual(new Set([startedAt]));
    expect([first, second, third].map((page) => page.map(({ id }) => id))).toEqual([
      whole.slice(0, 2).map(({ id }) => id),
      whole.slice(2, 4).map(({ id }) => id),
      whole.slice(4).map(({ id }) => id),
    ]);
    expect(new Set(whole.map(({ id }) => id)).size).toBe(names.length);
  });

  test("runs that wait, and those that are stuck, are counted by workflow", async () => {
    const { app } = await start({
      place: async (flow, { name }) => {
        await flow.run("file", () => name);
        if (name === "torn") await flow.run("file", () => name);
        await flow.waitFor("decision", orders.place.signals.decided);
        return { said: name };
      },
    });
    for (const name of ["ink", "pen", "torn"]) app.call(orders.place, { name }).catch(() => {});
    await vi.waitFor(async () => {
      const standing = [...(await app.workflows.standing())].sort((a, b) => (a.type < b.type ? -1 : 1));
      expect(standing).toEqual([
        { type: "orders.pack", waiting: 0, stuck: 0, differing: 0 },
        { type: "orders.place", waiting: 2, stuck: 1, differing: 0 },
      ]);
    });
  });

  test("F6 a start names the runs that wait and that its code cannot go on with, and leaves them as they are", async () => {
    const first = await start({
      place: async (flow, { name }) => {
        await flow.run(name === "ink" ? "pay" : "charge", () => 1);
        await flow.waitFor("decision", orders.place.signals.decided);
        return { said: name };
      },
    });
    for (const name of ["ink", "pen"]) first.app.call(orders.place, { name }).catch(() => {});
    await vi.waitFor(async () => expect(await first.app.workflows.list({ state: "waiting" })).toHaveLength(2));
    const second = await first.another({
      place: async (flow) => {
        await flow.run("charge", () => 1);
        await flow.waitFor("decision", orders.place.signals.decided);
        return { said: "" };
      },
    });
    await vi.waitFor(() =>
      expect(second.reported.map(String)).toEqual([
        expect.stringMatching(/the run .+ cannot go on with it: the step "pay" was taken by this run/),
      ]),
    );
    expect(await second.app.workflows.standing()).toContainEqual({
      type: "orders.place",
      waiting: 2,
      stuck: 0,
      differing: 1,
    });
  });

  test("a run that is cancelled while it waits takes back what it did, and its caller learns of it", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        await flow.run("pay", () => 5, { undo: (_, paid) => void behaviour.effects.push(`repay ${paid}`) });
        await flow.sleep("a day", 86_400_000);
        return { said: "unreachable" };
      },
    });
    const placed = app.call(orders.place, { name: "ink" }).catch((error: { code: string }) => error.code);
    const run = await vi.waitFor(async () => {
      const [found] = await app.workflows.list({ state: "waiting" });
      expect(found).toBeDefined();
      return found?.id ?? "";
    });
    await app.workflows.cancel(run);
    expect(await placed).toBe("kernel.runCancelled");
    expect(behaviour.effects).toEqual(["repay 5"]);
    await expect(app.workflows.cancel(run)).rejects.toMatchObject({ code: "kernel.unknownRun" });
  });

  test("a stored history is replayed with later code, and the step that differs is named", async () => {
    const { app, behaviour } = await start({
      place: async (flow, { name }) => {
        await flow.call("take", stock.take, { name });
        await flow.run("pay", () => 1);
        await flow.sleep("rest", 10);
        await flow.run("ship", () => 1);
        return { said: name };
      },
    });
    await app.call(orders.place, { name: "ink" });
    const [ended] = await app.workflows.list();
    const history = JSON.parse(JSON.stringify(await app.workflows.show(ended?.id ?? "")));
    expect(await app.workflows.replay(history)).toBeUndefined();
    const effects = behaviour.effects.length;
    const later = (place: Behaviour["place"]) => {
      behaviour.place = place;
      return app.workflows.replay(history);
    };
    const renamed = await later(async (flow, { name }) => {
      await flow.call("take", stock.take, { name });
      await flow.run("charge", () => 1);
      return { said: name };
    });
    expect(renamed).toMatchObject({ step: "pay", why: expect.stringContaining("does not come to it") });
    const otherInput = await later(async (flow) => {
      await flow.call("take", stock.take, { name: "pen" });
      return { said: "" };
    });
    expect(otherInput).toMatchObject({ step: "take" });
    const reordered = await later(async (flow, { name }) => {
      await flow.run("pay", () => 1);
      await flow.call("take", stock.take, { name });
      await flow.sleep("rest", 10);
      await flow.run("ship", () => 1);
      await flow.run("thank", () => 1);
      return { said: name };
    });
    expect(reordered).toBeUndefined();
    expect(behaviour.effects).toHaveLength(effects);
  });

  test("F5 a run that newer code began is left to newer code, also where older code looks for runs", async () => {
    const newer = await start({
      contract: laterOrders,
      place: async (flow) => {
        await flow.sleep("rest", 1_500);
        return { said: `version ${flow.version}` };
      },
    });
    const place = { idempotencyKey: "k", deadlineMs: 1_000 };
    await expect(newer.app.call(laterOrders.place, { name: "ink" }, place)).rejects.toMatchObject({
      code: "kernel.pending",
    });
    newer.crash();
    const older = await newer.another({ place: newer.behaviour.place });
    // Its own sleeper is due after the other's.
    const own = older.app.call(orders.place, { name: "pen" });
    await older.app.settled();
    expect(await own).toEqual({ said: "version 2" });
    await vi.waitFor(async () =>
      expect(await older.app.workflows.list({ state: "due" })).toMatchObject([{ version: 3 }]),
    );
    const another = await newer.another({ contract: laterOrders, place: newer.behaviour.place });
    expect(await another.app.call(laterOrders.place, { name: "ink" }, { idempotencyKey: "k" })).toEqual({
      said: "version 3",
    });
  });
}
