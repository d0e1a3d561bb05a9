import { expect, test, vi } from "vitest";
import type { Start } from "./harness.ts";
import { type Behaviour, orders, stock } from "./orders.ts";

export function undoClauses(start: Start): void {
  test("a run that fails takes back what it did, the last step first, and answers its fault, again too", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        await flow.call(
          "take",
          stock.take,
          { name: "ink" },
          { undo: (step) => step.call(stock.give, { name: "ink" }) },
        );
        await flow.run("pay", () => 5, { undo: (_, paid) => void behaviour.effects.push(`repay ${paid}`) });
        throw flow.faults.refused({ why: "late" });
      },
    });
    const call = () => app.call(orders.place, { name: "x" }, { idempotencyKey: "k" });
    await expect(call()).rejects.toMatchObject({ code: "orders.refused", details: { why: "late" } });
    expect(behaviour.effects).toEqual(["take ink", "repay 5", "give ink"]);
    await expect(call()).rejects.toMatchObject({ code: "orders.refused" });
    expect(behaviour.effects).toHaveLength(3);
  });

  test("a step of which nobody knows whether it took effect is undone, one that was refused is not", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        const undo = (name: string) => (_: unknown, result: unknown) =>
          void behaviour.effects.push(`undo ${name} ${result}`);
        await flow.call("take", stock.take, { name: "gone" }, { undo: undo("take") }).catch(() => {});
        const lost = () => Promise.reject(new Error("no answer"));
        await flow.run("pay", lost, { undo: undo("pay"), retry: { attemptsMax: 1 } });
        return { said: "unreachable" };
      },
    });
    await expect(app.call(orders.place, { name: "x" })).rejects.toMatchObject({ code: "kernel.internal" });
    expect(behaviour.effects).toEqual(["undo pay undefined"]);
  });

  test("a step that waits for its next try when its run is cancelled is undone, one that was never tried is not", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        const undo = (name: string) => (_: unknown, result: unknown) =>
          void behaviour.effects.push(`undo ${name} ${result}`);
        const lost = () => Promise.reject(new Error("no answer"));
        const trying = flow.run("pay", lost, { undo: undo("pay"), retry: { attemptsMax: 1_000 } });
        await trying.finally(() => flow.run("pack", () => 1, { undo: undo("pack") }));
        return { said: "unreachable" };
      },
    });
    const placed = app.call(orders.place, { name: "x" });
    const run = await vi.waitFor(async () => {
      const [found] = await app.workflows.list({ state: "waiting" });
      expect(found).toBeDefined();
      return found?.id ?? "";
    });
    await app.workflows.cancel(run);
    await expect(placed).rejects.toMatchObject({ code: "kernel.runCancelled" });
    expect(behaviour.effects).toEqual(["undo pay undefined"]);
  });

  test("a step that was under way when its process stopped is undone when its run is cancelled", async () => {
    const begun = Promise.withResolvers<void>();
    const place: Behaviour["place"] = async (flow) => {
      const pay = () => {
        begun.resolve();
        return new Promise<number>(() => {});
      };
      await flow.run("pay", pay, { undo: (_, result) => void first.behaviour.effects.push(`undo pay ${result}`) });
      return { said: "unreachable" };
    };
    const first = await start({ place });
    first.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" }).catch(() => {});
    await begun.promise;
    const [run] = await first.app.workflows.list({ state: "running" });
    await first.app.workflows.cancel(run?.id ?? "");
    await first.app.stop({ deadlineMs: 1 });
    const second = await first.another({ place });
    const again = second.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" });
    await expect(again).rejects.toMatchObject({ code: "kernel.runCancelled" });
    expect(first.behaviour.effects).toEqual(["undo pay undefined"]);
  });

  test("a run that is cancelled waits for the end of one that it called, and undoes what that answers all the same", async () => {
    let attempts = 0;
    const resting = Promise.withResolvers<void>();
    const rested = Promise.withResolvers<void>();
    const { app, behaviour } = await start({
      place: async (flow) => {
        attempts++;
        const undo = () => void behaviour.effects.push("unpacked");
        await flow.call("pack", orders.pack, { name: "x" }, { deadlineMs: 1_000, undo });
        behaviour.effects.push("packed");
        await flow.run("pay", () => behaviour.effects.push("paid"));
        return { said: "unreachable" };
      },
      pack: async (flow) => {
        await flow.run("rest", () => {
          resting.resolve();
          return rested.promise;
        });
        return { said: "packed" };
      },
    });
    const placed = app.call(orders.place, { name: "x" });
    await resting.promise;
    const run = await vi.waitFor(async () => {
      const [waiting] = await app.workflows.list({ type: orders.place.id, state: "waiting" });
      expect(waiting).toBeDefined();
      return waiting?.id ?? "";
    }, 10_000);
    await app.workflows.cancel(run);
    const [child] = await vi.waitFor(async () => {
      const cancelled = (await app.workflows.list({ type: orders.pack.id })).filter(({ isCancelled }) => isCancelled);
      expect(cancelled).toHaveLength(1);
      return cancelled;
    }, 10_000);
    expect(child?.state).toBe("running");
    rested.resolve();
    await expect(placed).rejects.toMatchObject({ code: "kernel.runCancelled", details: { run } });
    expect(behaviour.effects).toEqual(["packed", "unpacked"]);
    expect(attempts).toBeLessThan(30);
  });

  /** Pays and then packs, beside a step that fails; `pay` answers after that. */
  const besides =
    (effects: () => string[], undoPay: (paid: unknown) => unknown): Behaviour["place"] =>
    async (flow) => {
      const refused = Promise.withResolvers<void>();
      const pay = flow.run("pay", () => refused.promise.then(() => 5), {
        undo: async (_, paid) => void (await undoPay(paid)),
      });
      const packed = pay.then(() => flow.run("pack", () => effects().push("packed")));
      const refusal = flow.run("ask", () => Promise.reject(flow.faults.refused({ why: "late" })));
      // What an attempt before was answered comes at once: this waits for no step.
      refusal.catch(() => setTimeout(refused.resolve, 50));
      await Promise.all([packed, refusal]);
      return { said: "unreachable" };
    };

  test("K6 a step that goes on when one beside it fails is undone when it has answered, and nothing follows it", async () => {
    const { app, behaviour } = await start({
      place: besides(
        () => behaviour.effects,
        (paid) => behaviour.effects.push(`repay ${paid}`),
      ),
    });
    await expect(app.call(orders.place, { name: "x" })).rejects.toMatchObject({ code: "orders.refused" });
    expect(behaviour.effects).toEqual(["repay 5"]);
  });

  test("K6 a crash in the middle of undoing begins nothing that had not begun, and code that does not undo is named", async () => {
    const reached = Promise.withResolvers<void>();
    const effects: string[] = [];
    const hang = () => {
      reached.resolve();
      return new Promise(() => {});
    };
    const first = await start({ place: besides(() => effects, hang) });
    first.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" }).catch(() => {});
    await reached.promise;
    first.crash();
    const second = await first.another({
      place: besides(
        () => effects,
        (paid) => {
          if (effects.push(`repay ${paid}`) < 2) throw new Error("no answer");
        },
      ),
    });
    const again = second.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" });
    await expect(again).rejects.toMatchObject({ code: "orders.refused" });
    expect(effects).toEqual(["repay 5", "repay 5"]);
    const [run] = await second.app.workflows.list({ type: orders.place.id });
    const history = await second.app.workflows.show(run?.id ?? "");
    second.behaviour.place = async (flow) => {
      await flow.run("pay", () => 5);
      await flow.run("ask", () => 6).catch(() => {});
      await flow.run("pack", () => 7);
      return { said: "packed" };
    };
    expect(history && (await second.app.workflows.replay(history))).toMatchObject({ step: "undo pay" });
  });

  test("K6 a run that fails cancels one that it called, and undoes what that answers, before the rest", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        const giveBack = () => void behaviour.effects.push("given back");
        await flow.run("take", () => behaviour.effects.push("taken"), { undo: giveBack });
        const packing = flow.call("pack", orders.pack, { name: "ink" }, { deadlineMs: 1_000 });
        await Promise.all([packing, flow.run("ask", () => Promise.reject(flow.faults.refused({ why: "late" })))]);
        return { said: "unreachable" };
      },
      pack: async (flow, { name }) => {
        const unbox = () => void behaviour.effects.push("unboxed");
        await flow.run("box", () => behaviour.effects.push("boxed"), { undo: unbox });
        return { said: (await flow.waitFor("told", stock.told, { key: name })).name };
      },
    });
    const placed = app.call(orders.place, { name: "x" }, { deadlineMs: 60_000 });
    await expect(placed).rejects.toMatchObject({ code: "orders.refused" });
    expect(behaviour.effects).toEqual(["taken", "boxed", "unboxed", "given back"]);
  });

  test("an undo that fails is tried again", async () => {
    let tries = 0;
    const { app, behaviour } = await start({
      place: async (flow) => {
        await flow.run("pay", () => 5, {
          undo: () => {
            if (++tries < 3) throw new Error("no answer");
            behaviour.effects.push("repaid");
          },
        });
        throw flow.faults.refused({ why: "late" });
      },
    });
    await expect(app.call(orders.place, { name: "x" })).rejects.toMatchObject({ code: "orders.refused" });
    expect([tries, behaviour.effects]).toEqual([3, ["repaid"]]);
  });

  test("a crash in the middle of undoing undoes the rest, and nothing twice", async () => {
    const reached = Promise.withResolvers<void>();
    const handler =
      (effects: () => string[], hangs: boolean): Behaviour["place"] =>
      async (flow) => {
        for (const name of ["a", "b", "c"]) {
          await flow.run(name, () => name, {
            undo: async () => {
              if (name === "a" && hangs) {
                reached.resolve();
                await new Promise(() => {});
              }
              effects().push(`undo ${name}`);
            },
          });
        }
        throw flow.faults.refused({ why: "late" });
      };
    const effects: string[] = [];
    const first = await start({ place: handler(() => effects, true) });
    first.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" }).catch(() => {});
    await reached.promise;
    first.crash();
    const second = await first.another({ place: handler(() => effects, false) });
    const again = second.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" });
    await expect(again).rejects.toMatchObject({ code: "orders.refused" });
    expect(effects).toEqual(["undo c", "undo b", "undo a"]);
  });

  test("F4 a bug in the code between steps leaves the run where it was, and says so", async () => {
    const { app, behaviour, reported } = await start({
      place: async (flow) => {
        await flow.run("pay", () => 5, { undo: () => void behaviour.effects.push("repaid") });
        throw new TypeError("a bug");
      },
    });
    app.call(orders.place, { name: "x" }).catch(() => {});
    await vi.waitFor(() => expect(String(reported[0])).toContain("a bug"));
    expect(behaviour.effects).toEqual([]);
  });
}
