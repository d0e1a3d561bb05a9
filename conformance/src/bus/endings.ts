import { kernelFaults } from "@banyan/kernel";
import { type Clock, systemClock } from "@banyan/kernel/app";
import type { Incoming } from "@banyan/kernel/bus";
import { expect, test } from "vitest";
import { eventually, type Probe } from "./probe.ts";

/** Answers when its scope ends, with the reason. */
const untilEnded = ({ scope }: Incoming) =>
  new Promise<never>((_, reject) => scope.signal.addEventListener("abort", () => reject(scope.ended)));

const codeOf = ({ scope }: Incoming) => (scope.ended as { code?: string } | null)?.code;

export function endingClauses(probe: () => Probe): void {
  test("E1 a cancellation ends the callee's scope, and the caller does not wait for it", async () => {
    const [caller, callee] = await probe().pair(untilEnded);
    const scope = caller.scope();
    const asked = caller.request(callee.ref, {}, { scope });
    await eventually(() => expect(callee.came).toHaveLength(1));
    scope.end(kernelFaults.cancelled({ action: "probe.echo" }));
    await expect(asked).rejects.toMatchObject({ code: "kernel.cancelled" });
    await eventually(() => expect(callee.came.map(codeOf)).toEqual(["kernel.cancelled"]));
    await eventually(() => expect(callee.exchange.counts.running).toBe(0));
  });

  test("E2 a deadline ends the call on both sides", async () => {
    const [caller, callee] = await probe().pair(untilEnded);
    const asked = caller.request(callee.ref, {}, { scope: caller.scope(50) });
    await expect(asked).rejects.toMatchObject({ code: "kernel.deadline", retry: "unknown" });
    await eventually(() => expect(callee.came.map(codeOf)).toEqual(["kernel.deadline"]));
    expect(callee.came[0]?.scope.budgetMs).toBeLessThanOrEqual(50);
  });

  test("E3 a request whose deadline has passed on the callee's clock does not start", async () => {
    let aheadMs = 0;
    const clock: Clock = { now: systemClock.now, monotonic: () => systemClock.monotonic() + aheadMs };
    const caller = await probe().node();
    const callee = await probe().node(undefined, { clock });
    await caller.request(callee.ref, {});
    // As if the callee had stood still for a minute while the next request lay in its socket.
    aheadMs = 60_000;
    await expect(caller.request(callee.ref, {})).rejects.toMatchObject({ code: "kernel.deadline" });
    expect(callee.came).toHaveLength(1);
    expect(callee.exchange.counts.expired).toBeGreaterThan(0);
  });

  test("E4 the two clocks need not agree about the time", async () => {
    const clock: Clock = { now: () => 0, monotonic: () => systemClock.monotonic() + 5_000_000_000 };
    const caller = await probe().node();
    const callee = await probe().node(undefined, { clock });
    await caller.request(callee.ref, {}, { scope: caller.scope(1_000) });
    await callee.request(caller.ref, {}, { scope: callee.scope(1_000) });
    for (const { scope } of [...callee.came, ...caller.came]) {
      expect(scope.budgetMs).toBeGreaterThan(500);
      expect(scope.budgetMs).toBeLessThanOrEqual(1_000);
    }
  });

  test("E5 a call that has ended before it is sent is not sent", async () => {
    const [caller, callee] = await probe().pair();
    const scope = caller.scope();
    scope.end(kernelFaults.cancelled({ action: "probe.echo" }));
    await expect(caller.request(callee.ref, {}, { scope })).rejects.toMatchObject({ code: "kernel.cancelled" });
    await caller.request(callee.ref, "the next one");
    expect(callee.came.map(({ input }) => input)).toEqual(["the next one"]);
  });

  test("E6 a node that drains finishes what it has, takes nothing new, and says so", async () => {
    const gate = Promise.withResolvers<void>();
    const [caller, callee] = await probe().pair(() => gate.promise);
    const accepted = caller.request(callee.ref, {});
    await eventually(() => expect(callee.came).toHaveLength(1));
    const closed = callee.exchange.close({ deadlineMs: 5_000 });
    await eventually(() => expect(caller.peers).toContainEqual([callee.ref.id, "left"]));
    await expect(caller.request(callee.ref, {})).rejects.toMatchObject({ code: "kernel.notRunning", retry: "yes" });
    gate.resolve();
    await accepted;
    await closed;
    expect(callee.came).toHaveLength(1);
  });

  test("E7 a node that closes does not wait longer than it was given", async () => {
    const [caller, callee] = await probe().pair(untilEnded);
    const asked = expect(caller.request(callee.ref, {})).rejects.toMatchObject({ retry: "unknown" });
    await eventually(() => expect(callee.came).toHaveLength(1));
    await callee.exchange.close({ deadlineMs: 50 });
    await asked;
  });

  test("E8 when the way breaks, calls under way are uncertain, and the next ones find it again", async ({ skip }) => {
    const { fixture } = probe();
    if (fixture.interrupt === undefined) return skip("its ways cannot be broken from here");
    let isFirst = true;
    const [caller, callee] = await probe().pair((incoming) => {
      const answer = isFirst ? untilEnded(incoming) : incoming.input;
      isFirst = false;
      return answer;
    });
    const lost = expect(caller.request(callee.ref, {})).rejects.toMatchObject({
      code: "bus.uncertain",
      retry: "unknown",
    });
    await eventually(() => expect(callee.came).toHaveLength(1));
    await fixture.interrupt(caller.ref, callee.ref);
    await lost;
    await eventually(() => expect(callee.came.map(codeOf)).toEqual(["kernel.cancelled"]));
    expect(caller.peers).toContainEqual([callee.ref.id, "lost"]);
    await eventually(async () => expect(await caller.request(callee.ref, "again")).toBe("again"));
  });

  test("E9 a node that is not needed any more still answers what it was asked, and can be asked again", async () => {
    const gate = Promise.withResolvers<string>();
    const [caller, callee] = await probe().pair(() => gate.promise);
    const asked = caller.request(callee.ref, {});
    await eventually(() => expect(callee.came).toHaveLength(1));
    caller.exchange.forget(callee.ref);
    gate.resolve("answered");
    expect(await asked).toBe("answered");
    await eventually(() => expect(caller.peers).toContainEqual([callee.ref.id, "lost"]));
    await eventually(async () => expect(await caller.request(callee.ref, {})).toBe("answered"));
  });

  test("E10 a node that is cut off answers nothing, and nobody waits for it", async () => {
    const [caller, callee] = await probe().pair(untilEnded);
    const asked = expect(caller.request(callee.ref, {})).rejects.toMatchObject({ code: "bus.uncertain" });
    await eventually(() => expect(callee.came).toHaveLength(1));
    caller.exchange.cutOff(callee.ref);
    await asked;
    // Through a broker there is no connection that would tell the other side: what it runs for us goes on to its deadline.
    if (callee.traits.path === "broker") return;
    await eventually(() => expect(callee.came.map(codeOf)).toEqual(["kernel.cancelled"]));
  });

  test("E11 while nodes come and leave, every call ends long before its deadline", async () => {
    const caller = await probe().node();
    for (let round = 0; round < 20; round++) {
      const callee = await probe().node(async ({ input }) => input);
      let running = true;
      const outcomes: unknown[] = [];
      const callers = Array.from({ length: 8 }, async () => {
        while (running) {
          const scope = caller.scope(60_000);
          outcomes.push(await caller.request(callee.ref, 1, { scope }).catch(({ code }: { code: string }) => code));
          scope.end(new Error("over"));
        }
      });
      await eventually(() => expect(outcomes.length).toBeGreaterThan(20 + round));
      const closed = callee.exchange.close({ deadlineMs: 1_000 });
      if (round % 2 === 0) caller.exchange.forget(callee.ref);
      await closed;
      running = false;
      await Promise.all(callers);
      const expected = [1, "kernel.notRunning", "bus.unavailable", "bus.uncertain"];
      expect([...new Set(outcomes)].filter((outcome) => !expected.includes(outcome as number | string))).toEqual([]);
    }
    expect(caller.exchange.counts.pending).toBe(0);
  });
}
