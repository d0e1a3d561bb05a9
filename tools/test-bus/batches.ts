import { once } from "node:events";
import type { Bus } from "@banyan/kernel/bus";
import { expect, test } from "vitest";
import { outcome, TestNode } from "./node.ts";

/** A bus over a broker, as a test makes it. */
export interface BrokerBus<B extends Bus> {
  /** Of the bus's engine, where nobody listens. */
  readonly nowhere: string;
  /** A bus of the server under test, or of the one at `url`; not yet open. */
  create(options: { readonly url?: string; readonly unconfirmedBytesMax?: number }): B;
  /** A node on it, closed when the test ends. */
  open(bus: B): Promise<TestNode<B>>;
  /** Resolves when the server has done what the nodes asked of it. */
  settle(): Promise<unknown>;
}

/** How every bus over a broker bounds what it sends, and what it says where it cannot; the rest is in the conformance suite. */
export function testBatches<B extends Bus>({ nowhere, create, open, settle }: BrokerBus<B>): void {
  test("a batch over the limit fails and harms nobody", async () => {
    const [a, b] = [await open(create({})), await open(create({}))];
    const limit = a.bus.traits.batchBytesMax;
    const send = (bytes: number) => outcome((batch) => void a.bus.send(b.ref, batch), new Uint8Array(bytes));
    expect(await send(limit + 1)).toMatchObject({ code: "bus.unavailable" });
    expect(await send(limit)).toBe("sent");
    await b.until(() => b.heard.length === 1);
    expect(b.heard[0]?.text.length).toBe(limit);
  });

  test("says when more is under way than should be, and when there is room again", async () => {
    const [a, b] = [await open(create({ unconfirmedBytesMax: 1_000_000 })), await open(create({}))];
    const chunk = new Uint8Array(100_000);
    let count = 0;
    const send = () => a.bus.send(b.ref, { frames: chunk, sent: () => count++, failed: () => expect.unreachable() });
    let sends = 1;
    while (send()) sends++;
    expect(sends).toBe(11);
    expect(await once(a, "writable")).toEqual([b.id]);
    expect(send()).toBe(true);
    await b.until(() => b.heard.length === 12);
    await settle();
    expect(count).toBe(12);
  });

  test("opening where nobody listens raises bus.unavailable, and an abort what it was aborted with", async () => {
    await expect(TestNode.open(create({ url: nowhere }))).rejects.toMatchObject({
      code: "bus.unavailable",
    });
    const aborted = TestNode.open(create({}), AbortSignal.abort(new Error("no longer wanted")));
    await expect(aborted).rejects.toThrow("no longer wanted");
  });
}
