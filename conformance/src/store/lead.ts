import { expect, test } from "vitest";
import { budget, type Probe } from "./probe.ts";

export function leadClauses(probe: () => Probe): void {
  test("one process leads a service; the next when it gives the lead back", async () => {
    const { store, other } = probe();
    const never = new AbortController().signal;
    const first = await store.outbox.lead("probe", never);
    let second: Awaited<ReturnType<typeof store.outbox.lead>> | undefined;
    const waiting = other.outbox.lead("probe", never).then((lead) => {
      second = lead;
      return lead;
    });
    // Longer than one try of whoever waits.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(second).toBeUndefined();
    expect(first.lost.aborted).toBe(false);
    // Another service's deliveries have nothing to do with it.
    await (await other.outbox.lead("listener", never)).release();
    await first.release();
    expect(first.lost.aborted).toBe(true);
    await (await waiting).release();
  });

  test("whoever stops waiting for the lead never gets it", async () => {
    const { store, other } = probe();
    const first = await store.outbox.lead("probe", new AbortController().signal);
    const abort = new AbortController();
    const waiting = expect(other.outbox.lead("probe", abort.signal)).rejects.toThrow("enough");
    abort.abort(new Error("enough"));
    await waiting;
    await first.release();
    await store.ping(budget());
  });
}
