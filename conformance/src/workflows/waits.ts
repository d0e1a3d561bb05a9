import { expect, test, vi } from "vitest";
import type { Start } from "./harness.ts";
import { type Behaviour, orders } from "./orders.ts";

export function waitClauses(start: Start): void {
  test("a time that has passed fires at once, and a sleeper wakes in whatever process lives then", async () => {
    const place: Behaviour["place"] = async (flow) => {
      await flow.sleep("past", { until: flow.startedAt - 1 });
      await flow.sleep("a while", { until: flow.startedAt + 400 });
      return { said: "awake" };
    };
    const first = await start({ place });
    await expect(
      first.app.call(orders.place, { name: "x" }, { idempotencyKey: "k", deadlineMs: 100 }),
    ).rejects.toMatchObject({ code: "kernel.pending" });
    await first.app.stop();
    const second = await first.another({ place });
    expect(await second.app.call(orders.place, { name: "x" }, { idempotencyKey: "k" })).toEqual({ said: "awake" });
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
}
