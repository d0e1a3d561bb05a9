import type { App } from "@banyan/kernel/app";
import { expect, test, vi } from "vitest";
import type { Start } from "./harness.ts";
import { orders, stock } from "./orders.ts";

export function childClauses(start: Start): void {
  /**
   * Its orders call a child, which waits to be told, and wrap meanwhile. By the clock the call of the child has lasted for an hour when it
   * is given up, so that its parent would look again by itself minutes later only.
   */
  const startParent = async (wrap: () => Promise<void>): Promise<App> => {
    const { app, behaviour } = await start({
      place: async (flow, { name }) => {
        const [{ said }] = await Promise.all([
          flow.call("pack", orders.pack, { name }, { deadlineMs: 1_000 }),
          flow.run("wrap", wrap),
        ]);
        return { said };
      },
      pack: async (flow, { name }) => {
        behaviour.now = () => Date.now() + 3_600_000;
        return { said: (await flow.waitFor("told", stock.told, { key: name })).name };
      },
    });
    return app;
  };

  test("W3 the end of a run wakes the one that called it", async () => {
    const app = await startParent(async () => {});
    const placed = app.call(orders.place, { name: "ink" }, { deadlineMs: 30_000 });
    await vi.waitFor(async () => expect(await app.workflows.list({ state: "waiting" })).toHaveLength(2), 10_000);
    await app.call(stock.tell, { name: "ink" });
    expect(await placed).toEqual({ said: "ink" });
  });

  test("W3 the end of a run is not missed by one that called it and comes to wait later", async () => {
    const wrapped = Promise.withResolvers<void>();
    const app = await startParent(() => wrapped.promise);
    const faults: unknown[] = [];
    app.inspect((record) => record.kind === "call" && record.id === orders.pack.id && faults.push(record.fault));
    const placed = app.call(orders.place, { name: "ink" }, { deadlineMs: 30_000 });
    await vi.waitFor(() => expect(faults).toEqual(["kernel.pending"]), 10_000);
    await app.call(stock.tell, { name: "ink" });
    const packed = { type: orders.pack.id, state: "done" } as const;
    await vi.waitFor(async () => expect(await app.workflows.list(packed)).toHaveLength(1), 10_000);
    wrapped.resolve();
    expect(await placed).toEqual({ said: "ink" });
  });

  test("a run that is cancelled cancels the one that it called, which undoes what it did first; each tells of its own end", async () => {
    const { app, behaviour } = await start({
      place: async (flow) => {
        const giveBack = () => void behaviour.effects.push("given back");
        await flow.run("take", () => behaviour.effects.push("taken"), { undo: giveBack });
        const undo = () => void behaviour.effects.push("unpacked");
        return flow.call("pack", orders.pack, { name: "ink" }, { deadlineMs: 1_000, undo });
      },
      pack: async (flow, { name }) => {
        const unbox = () => void behaviour.effects.push("unboxed");
        await flow.run("box", () => behaviour.effects.push("boxed"), { undo: unbox });
        return { said: (await flow.waitFor("told", stock.told, { key: name })).name };
      },
    });
    const placed = app.call(orders.place, { name: "ink" }, { deadlineMs: 60_000 });
    await vi.waitFor(async () => expect(await app.workflows.list({ state: "waiting" })).toHaveLength(2), 10_000);
    const [parent] = await app.workflows.list({ type: orders.place.id });
    await app.workflows.cancel(parent?.id ?? "");
    await expect(placed).rejects.toMatchObject({ code: "kernel.runCancelled", details: { run: parent?.id } });
    expect(behaviour.effects).toEqual(["taken", "boxed", "unboxed", "given back"]);
    const [child] = await app.workflows.list({ type: orders.pack.id });
    expect(child).toMatchObject({ state: "failed", fault: { details: { run: child?.id } } });
  });
}
