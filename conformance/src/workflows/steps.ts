import { kernelFaults } from "@banyan/kernel";
import { expect, test, vi } from "vitest";
import type { Start } from "./harness.ts";
import { orders, stock } from "./orders.ts";

export function stepClauses(start: Start): void {
  test("a run of steps answers its caller, and the same key and input find the same run", async () => {
    let runs = 0;
    const { app, behaviour } = await start({
      place: async (flow, { name }) => {
        const { left } = await flow.call("take", stock.take, { name });
        const { left: seen } = await flow.call("look", stock.left, { name });
        const paid = await flow.run("pay", () => ({ receipt: `r${++runs}` }));
        return { said: `${name} ${left} ${seen} ${paid.receipt} v${flow.version}` };
      },
    });
    const calls = Array.from({ length: 50 }, () => app.call(orders.place, { name: "ink" }, { idempotencyKey: "k" }));
    const answers = await Promise.all(calls);
    expect(new Set(answers.map(({ said }) => said))).toEqual(new Set(["ink 3 3 r1 v2"]));
    expect(behaviour.effects).toEqual(["take ink"]);
    expect(await app.call(orders.place, { name: "ink" }, { idempotencyKey: "k" })).toEqual(answers[0]);
    await expect(app.call(orders.place, { name: "pen" }, { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "kernel.idempotencyConflict",
    });
  });

  test("K1 after a crash another process goes on where the run was: what has an outcome is not done again", async () => {
    const reached = Promise.withResolvers<void>();
    const tried: string[] = [];
    const first = await start({
      place: async (flow, { name }) => {
        await flow.call("take", stock.take, { name });
        const paid = await flow.run("pay", (step) => {
          tried.push(step.idempotencyKey);
          return { receipt: 7 };
        });
        await flow.run("ship", async () => {
          reached.resolve();
          return new Promise<string>(() => {});
        });
        return { said: `${paid.receipt}` };
      },
    });
    first.app.call(orders.place, { name: "ink" }, { idempotencyKey: "k" }).catch(() => {});
    await reached.promise;
    first.crash();
    const second = await first.another({
      place: async (flow, { name }) => {
        const { left } = await flow.call("take", stock.take, { name });
        const paid = await flow.run("pay", (step): { receipt: number } => {
          tried.push(step.idempotencyKey);
          return { receipt: 8 };
        });
        const shipped = await flow.run("ship", () => "by sea");
        return { said: `${paid.receipt} ${left} ${shipped}` };
      },
    });
    expect(await second.app.call(orders.place, { name: "ink" }, { idempotencyKey: "k" })).toEqual({
      said: "7 3 by sea",
    });
    expect(tried).toHaveLength(1);
    expect(first.behaviour.effects).toEqual(["take ink"]);
  });

  test("steps side by side are found by their names, in whatever order they end", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        const names = ["a", "b", "c"];
        await Promise.all(names.map((name) => flow.call(`take ${name}`, stock.take, { name })));
        await flow.sleep("rest", 20);
        const all = await Promise.all(names.map((name) => flow.run(`pay ${name}`, () => name.toUpperCase())));
        return { said: all.join("") };
      },
    });
    expect(await app.call(orders.place, { name: "x" })).toEqual({ said: "ABC" });
    expect([...behaviour.effects].sort()).toEqual(["take a", "take b", "take c"]);
  });

  test("what fails is tried again under the same key, and what cannot succeed is the step's outcome", async () => {
    const keys: string[] = [];
    const { app } = await start({
      place: async (flow) => {
        const got = await flow.run("pay", ({ idempotencyKey, attempt }) => {
          keys.push(`${attempt} ${idempotencyKey}`);
          if (keys.length < 3) throw new Error("no answer");
          return "paid";
        });
        const gone = await flow.call("take", stock.take, { name: "gone" }).catch((error) => error.code);
        return { said: `${got} ${gone}` };
      },
    });
    expect(await app.call(orders.place, { name: "x" })).toEqual({ said: "paid stock.gone" });
    expect(keys.map((key) => key.split(" ")[0])).toEqual(["1", "2", "3"]);
    expect(new Set(keys.map((key) => key.split(" ")[1])).size).toBe(1);
  });

  test("an outage spends no attempt", async () => {
    let tries = 0;
    const { app, behaviour } = await start({
      place: async (flow) => {
        await flow.call("take", stock.take, { name: "ink" }, { retry: { attemptsMax: 1 } });
        return { said: "there" };
      },
    });
    behaviour.onTake = () => {
      if (++tries < 3) throw kernelFaults.unavailable({ action: "stock.take", why: "the test says so" });
    };
    expect(await app.call(orders.place, { name: "x" })).toEqual({ said: "there" });
    expect(tries).toBe(3);
  });

  test("a transaction step and its record commit once, with what it says", async () => {
    const { app } = await start({
      place: async (flow, { name }) => {
        const said = await flow.transaction("book", (tx) => {
          tx.emit(orders.begun, { name });
          return tx.service;
        });
        return { said };
      },
    });
    const begun: string[] = [];
    app.inspect((record) => record.kind === "event" && begun.push(record.key));
    expect(await app.call(orders.place, { name: "ink" })).toEqual({ said: "orders" });
    expect(begun).toEqual(["ink"]);
  });

  test("a fault that a transaction step throws is told to the handler, whether callers may see it or not", async () => {
    const { app, reported } = await start({
      place: async (flow) => {
        const sellOut = () => flow.transaction("book", () => Promise.reject(orders.faults.soldOut()));
        const said = await sellOut().catch((error: unknown) => `${orders.faults.soldOut.is(error)}`);
        return { said };
      },
    });
    expect(await app.call(orders.place, { name: "ink" })).toEqual({ said: "true" });
    expect(reported).toEqual([]);
  });

  test("F1 a process that lost its run commits no step of it", async () => {
    const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = await start({
      place: async (flow, { name }) => {
        await flow.transaction("book", async (tx) => {
          reached.resolve();
          await goOn.promise;
          tx.emit(orders.begun, { name });
        });
        return { said: "first" };
      },
    });
    const begun: string[] = [];
    first.app.inspect((record) => record.kind === "event" && begun.push(record.key));
    const ink = { idempotencyKey: "k", deadlineMs: 30_000 };
    const asked = first.app.call(orders.place, { name: "ink" }, ink);
    await reached.promise;
    first.forgetLeases();
    // Newer code, which goes another way.
    const second = await first.another({ place: async () => ({ said: "second" }) });
    expect(await second.app.call(orders.place, { name: "ink" }, ink)).toEqual({ said: "second" });
    goOn.resolve();
    expect(await asked).toEqual({ said: "second" });
    await first.app.settled();
    expect(begun).toEqual([]);
  });

  test("a run that a command starts leaves with its transaction", async () => {
    const { app, behaviour } = await start({
      place: async (flow, { name }) => {
        await flow.call("take", stock.take, { name });
        return { said: name };
      },
    });
    const { run } = await app.call(orders.begin, { name: "ink" });
    await app.settled();
    expect(behaviour.effects).toEqual(["take ink"]);
    expect(run).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("a caller whose time is up learns how to ask again", async () => {
    const { app } = await start({
      place: async (flow) => {
        await flow.sleep("rest", 1_500);
        return { said: "rested" };
      },
    });
    const call = (deadlineMs: number) => app.call(orders.place, { name: "x" }, { idempotencyKey: "k", deadlineMs });
    await expect(call(1_000)).rejects.toMatchObject({ code: "kernel.pending", details: { workflow: "orders.place" } });
    expect(await call(5_000)).toEqual({ said: "rested" });
  });

  test("a workflow called by a workflow is a run of its own, whose end is awaited", async () => {
    const { app } = await start({
      place: async (flow, { name }) => {
        const { said } = await flow.call("pack", orders.pack, { name });
        return { said: `packed ${said}` };
      },
      pack: async (flow, { name }) => {
        await flow.sleep("rest", 50);
        return { said: name };
      },
    });
    expect(await app.call(orders.place, { name: "ink" })).toEqual({ said: "packed ink" });
  });

  test("an event that the service does not name among those that it awaits is not found", async () => {
    const { app } = await start({
      place: async (flow) => ({ said: (await flow.waitFor("begun", orders.begun, { key: "ink" })).name }),
    });
    await expect(app.call(orders.place, { name: "ink" })).rejects.toMatchObject({
      code: "kernel.unknownSignal",
      kind: "not_found",
      details: { id: "orders.begun" },
    });
  });

  test("a step that asks for something else when the run comes to it again is named", async () => {
    let times = 0;
    const { app, reported } = await start({
      place: async (flow) => {
        await flow.call("take", stock.take, { name: `ink ${++times}` });
        await flow.sleep("rest", 50);
        return { said: "" };
      },
    });
    app.call(orders.place, { name: "x" }).catch(() => {});
    await vi.waitFor(() =>
      expect(String(reported[0])).toContain('the step "take" was asked for something else in this run'),
    );
    const stuck = { state: "stuck", error: expect.stringContaining('"take"') };
    await vi.waitFor(async () => expect(await app.workflows.list()).toMatchObject([stuck]));
  });

  test("a name used twice, a command that answers once, a result that is too large, and a loop without end are refused by name", async () => {
    const { app, behaviour, reported } = await start();
    behaviour.place = async (flow) => {
      await flow.run("a", () => 1);
      await flow.run("a", () => 2);
      return { said: "" };
    };
    app.call(orders.place, { name: "x" }).catch(() => {});
    await vi.waitFor(() => expect(String(reported[0])).toContain('the step "a" is named twice'));
    behaviour.place = async (flow) => ({ said: (await flow.call("key", stock.key, { name: "a" })).secret });
    app.call(orders.place, { name: "y" }).catch(() => {});
    await vi.waitFor(() => expect(String(reported.at(-1))).toContain("stock.key answers once"));
    behaviour.place = async (flow) => {
      const error = await flow.run("big", () => "x".repeat(300_000)).catch((fault) => fault);
      return { said: error.message };
    };
    expect((await app.call(orders.place, { name: "x" })).said).toContain("has 300002 bytes and may have 262144");
    behaviour.place = async (flow) => {
      for (let n = 0; ; n++) await flow.run(`again ${n}`, () => n);
    };
    await expect(app.call(orders.place, { name: "x" })).rejects.toMatchObject({
      code: "kernel.tooManySteps",
      details: { workflow: "orders.place", stepsMax: 20 },
    });
  });
}
