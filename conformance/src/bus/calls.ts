import { kernelFaults } from "@banyan/kernel";
import { TraceId } from "@banyan/kernel/bus";
import { expect, test } from "vitest";
import { eventually, type Probe, somebody } from "./probe.ts";

export function callClauses(probe: () => Probe): void {
  test("C1 a request is answered by the node that it was sent to", async () => {
    const [caller, callee] = await probe().pair(() => "callee");
    const other = await probe().node(() => "other");
    expect(await Promise.all([caller.request(callee.ref, 1), caller.request(other.ref, 2)])).toEqual([
      "callee",
      "other",
    ]);
  });

  test("C2 every answer finds its own request, whatever their order", async () => {
    const gates = Array.from({ length: 100 }, () => Promise.withResolvers<void>());
    const [caller, callee] = await probe().pair(async ({ input }) => {
      const turn = input as number;
      await gates[turn]?.promise;
      return turn;
    });
    const answers = Promise.all(gates.map((_, turn) => caller.request(callee.ref, turn)));
    await eventually(() => expect(callee.came).toHaveLength(gates.length));
    for (const { resolve } of gates.toReversed()) resolve();
    expect(await answers).toEqual(gates.map((_, turn) => turn));
    expect(caller.exchange.counts.pending).toBe(0);
  });

  test("C3 nodes call each other at the same time, the first time as well", async () => {
    const [one, other] = await probe().pair();
    const both = [one.request(other.ref, "there"), other.request(one.ref, "and back")];
    expect(await Promise.all(both)).toEqual(["there", "and back"]);
  });

  test("C4 what JSON can say arrives as JSON delivers it", async () => {
    const [caller, callee] = await probe().pair();
    const value = {
      text: "ü€𝄞\u0000",
      list: [1, -0.5, null, true],
      date: new Date(0),
      gone: undefined,
      NaN: Number.NaN,
    };
    expect(await caller.request(callee.ref, value)).toEqual(JSON.parse(JSON.stringify(value)));
    for (const small of [undefined, null, 0, "", false, [], {}])
      expect(await caller.request(callee.ref, small)).toEqual(small);
  });

  test("C5 identity, trace, idempotency key, instance and metadata arrive with the call", async () => {
    const [caller, callee] = await probe().pair();
    const fields = {
      identity: somebody,
      trace: TraceId.of("0af7651916cd43dd8448eb211c80319c"),
      parentSpanId: "b7ad6b7169203331",
      idempotencyKey: "k".repeat(255),
      instance: "project ü",
      metadata: { locale: "de" },
    };
    await caller.request(callee.ref, {}, { ...fields, action: 1, name: "probe.other" });
    expect(callee.came.pop()).toMatchObject({ ...fields, from: { id: caller.ref.id }, action: 1, name: "probe.other" });
    await caller.request(callee.ref, {});
    expect(callee.came.pop()).toMatchObject({
      name: "probe.echo",
      trace: undefined,
      idempotencyKey: undefined,
      instance: undefined,
    });
  });

  test("C6 a fault crosses with its code, kind, details and retry", async () => {
    const [caller, callee] = await probe().pair(() => {
      throw kernelFaults.forbidden({ action: "probe.echo", permission: "probe" }, { retryAfterMs: 20 });
    });
    await expect(caller.request(callee.ref, {})).rejects.toMatchObject({
      code: "kernel.forbidden",
      kind: "forbidden",
      details: { permission: "probe" },
      retry: "no",
      retryAfterMs: 20,
    });
  });

  test("C7 an unexpected error is reported where it happened, and tells the caller nothing", async () => {
    const [caller, callee] = await probe().pair(() => {
      throw new Error("the password is swordfish");
    });
    const failure = await caller.request(callee.ref, {}).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "kernel.internal", retry: "unknown" });
    expect(JSON.stringify(failure) + String(failure)).not.toContain("swordfish");
    expect(String(callee.reported)).toContain("swordfish");
  });

  test("C8 an action that the node does not have is not found at once", async () => {
    const [caller, callee] = await probe().pair();
    await expect(caller.request(callee.ref, {}, { action: 7 })).rejects.toMatchObject({ code: "kernel.unknownAction" });
  });

  test("C9 a node that does not exist is unavailable, and nothing was done", async () => {
    const caller = await probe().node(undefined, { limits: { handshakeMs: 1_000 } });
    // The discard port, where nobody listens.
    const nobody = { id: "nobody", address: "127.0.0.1:9" };
    await expect(caller.request(nobody, {})).rejects.toMatchObject({ code: "bus.unavailable", retry: "yes" });
  });

  test("C10 a one-way call arrives, and nobody waits for it", async () => {
    const [caller, callee] = await probe().pair(() => {
      throw new Error("only the log hears of this");
    });
    await caller.exchange.tell(callee.ref, caller.call("hello"));
    expect(caller.exchange.counts.pending).toBe(0);
    await eventually(() => expect(callee.came).toMatchObject([{ input: "hello", isOneWay: true }]));
    await eventually(() => expect(callee.reported).toHaveLength(1));
  });

  test("C11 what a handler says of its answer reaches the caller with it", async () => {
    const [caller, callee] = await probe().pair((incoming) => {
      incoming.notes = { replayed: true, cached: false };
    });
    const notes = { replayed: false, cached: false };
    await caller.request(callee.ref, {}, { notes });
    expect(notes).toEqual({ replayed: true, cached: false });
  });

  test("C12 where a broker stands between, it answers whoever asks after its health", async () => {
    const { server, traits } = await probe().node();
    expect(server === undefined).toBe(traits.path === "direct");
    await server?.ping();
  });
}
