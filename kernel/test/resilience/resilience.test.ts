import { expect, test } from "vitest";
import { fault, faultType } from "../../src/contract/fault.ts";
import { kernelFaults } from "../../src/contract/kernel-faults.ts";
import { fullPolicy } from "../../src/contract/remote-policy.ts";
import { Breaker, type BreakerState } from "../../src/resilience/breaker.ts";
import { Bulkhead } from "../../src/resilience/bulkhead.ts";
import { healthBy, isWorthRetry, pauseMs, RetryBudget } from "../../src/resilience/retry.ts";
import { Shedder } from "../../src/resilience/shedder.ts";

const policy = { failureShare: 0.5, callsMin: 4, windowMs: 1_000, openMs: 100 };

function breaker() {
  const states: BreakerState[] = [];
  return { states, breaker: new Breaker(policy, (state) => states.push(state)) };
}

test("K1 a breaker opens at its share of failures, of enough calls, within its window", () => {
  const { breaker: one, states } = breaker();
  for (let call = 0; call < 3; call++) one.failed(call);
  expect(one.state).toBe("closed");
  one.failed(3);
  expect(states).toEqual(["open"]);

  const { breaker: mostlyWell } = breaker();
  mostlyWell.failed(0);
  for (let call = 0; call < 10; call++) mostlyWell.succeeded();
  for (let call = 0; call < 5; call++) mostlyWell.failed(1);
  expect(mostlyWell.state).toBe("closed");

  const { breaker: seldom } = breaker();
  for (let call = 0; call < 20; call++) seldom.failed(call * 500);
  expect(seldom.state).toBe("closed");
});

test("K2, K3 an open breaker takes one probe when its time is up; failing probes double that time, a good one closes", () => {
  const { breaker: one, states } = breaker();
  for (let call = 0; call < 4; call++) one.failed(0);
  expect(one.mayProbe(99)).toBe(false);
  expect([one.mayProbe(100), one.mayProbe(100)]).toEqual([true, false]);
  one.failed(100);
  expect([one.mayProbe(299), one.mayProbe(300)]).toEqual([false, true]);
  one.probeEnded(300);
  expect([one.mayProbe(499), one.mayProbe(500)]).toEqual([false, true]);
  one.succeeded();
  expect(states).toEqual(["open", "half-open", "open", "half-open", "open", "half-open", "closed"]);
});

test("a retry budget lets a fifth of the calls go again, and no more in an outage", () => {
  const budget = new RetryBudget({ attemptsMax: 4, pauseMs: 10, budget: 0.2 });
  while (budget.spend(0));
  let retried = 0;
  for (let call = 0; call < 1_000; call++) {
    budget.earn();
    while (budget.spend(0)) retried++;
  }
  expect(retried).toBeGreaterThan(190);
  expect(retried).toBeLessThanOrEqual(200);
  expect(budget.spend(1_000)).toBe(true);
});

test("only what is safe goes again: nothing was done, or doing it twice does nothing", () => {
  const shut = faultType("weather.shut", fault("unavailable"))(undefined);
  const declared = new Set(["weather.shut"]);
  const unknown = kernelFaults.deadline({ action: "a", budgetMs: 1 });
  const nothingRan = kernelFaults.shed({ action: "a", lagMs: 1 });
  const bug = kernelFaults.internal({ correlationId: "" });
  expect(isWorthRetry(nothingRan, declared, false)).toBe(true);
  expect([isWorthRetry(unknown, declared, false), isWorthRetry(unknown, declared, true)]).toEqual([false, true]);
  expect(isWorthRetry(bug, declared, true)).toBe(false);
  expect(isWorthRetry(shut, declared, true)).toBe(false);
  expect(isWorthRetry(new TypeError("x"), declared, true)).toBe(false);
});

test("a node is judged by what it did, not by what its caller or the way to it did", () => {
  const none = new Set<string>();
  expect(healthBy(kernelFaults.deadline({ action: "a", budgetMs: 1 }), none)).toBe("ill");
  expect(healthBy(kernelFaults.internal({ correlationId: "" }), none)).toBe("ill");
  expect(healthBy(kernelFaults.invalidInput({ action: "a", issues: [] }), none)).toBe("well");
  expect(healthBy(kernelFaults.cancelled({ action: "a" }), none)).toBe(null);
  expect(healthBy(kernelFaults.notRunning({ state: "draining" }), none)).toBe(null);
  expect(healthBy(kernelFaults.shed({ action: "a", lagMs: 1 }), none)).toBe(null);
});

test("pauses before retries grow, and are random below their limit", () => {
  const retry = { attemptsMax: 4, pauseMs: 10, budget: 0.2 };
  expect([1, 2, 3].map((attempt) => pauseMs(retry, attempt, 1))).toEqual([10, 20, 40]);
  expect(pauseMs(retry, 3, 0)).toBe(0);
  expect(pauseMs(retry, 30, 1)).toBe(1_000);
});

test("a bulkhead gives its places in order of asking, and refuses who finds no room to wait", () => {
  const bulkhead = new Bulkhead({ inFlightMax: 1, queueMax: 2 });
  const entered: string[] = [];
  expect([bulkhead.enter(), bulkhead.enter()]).toEqual([true, false]);
  const giveUp = bulkhead.wait(() => entered.push("first"));
  bulkhead.wait(() => entered.push("second"));
  expect(bulkhead.wait(() => entered.push("third"))).toBe(null);
  giveUp?.();
  bulkhead.leave();
  expect([entered, bulkhead.inFlight]).toEqual([["second"], 1]);
  bulkhead.leave();
  expect(bulkhead.inFlight).toBe(0);
});

test("a process sheds nothing up to its limit, all but a few far beyond it, and stops when it has caught up", () => {
  const shedder = new Shedder();
  const refused = () => Array.from({ length: 100 }, (_, n) => shedder.refuses(0, n / 100)).filter(Boolean).length;
  let now = 0;
  const turns = (lateMs: number) => {
    for (let turn = 0; turn < 10; turn++) {
      now += 100 + lateMs;
      shedder.sample(now);
    }
  };
  shedder.sample(0);
  turns(200);
  expect(refused()).toBe(0);
  turns(375);
  expect(refused()).toBeGreaterThan(40);
  expect(refused()).toBeLessThan(60);
  turns(5_000);
  expect(refused()).toBe(95);
  turns(0);
  expect(refused()).toBe(0);
  expect(shedder.refuses(10_000, 1)).toBe(true);
});

test("everything is on unless its contract or action says off, and the action has the last word", () => {
  expect(fullPolicy({})).toEqual({
    balance: "two-choices",
    retry: { attemptsMax: 4, pauseMs: 10, budget: 0.2 },
    breaker: { failureShare: 0.5, callsMin: 8, windowMs: 10_000, openMs: 1_000 },
    bulkhead: { inFlightMax: 1_024, queueMax: 8_192 },
    shedding: true,
  });
  const off = { retry: "off", breaker: "off", bulkhead: "off", shedding: "off" } as const;
  expect(fullPolicy(off)).toMatchObject({ retry: null, breaker: null, bulkhead: null, shedding: false });
  expect(fullPolicy(off, { retry: { attemptsMax: 2 } }).retry).toEqual({ attemptsMax: 2, pauseMs: 10, budget: 0.2 });
});
