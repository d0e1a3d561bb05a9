import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AppOptions, InspectorRecord } from "../../src/app/index.ts";
import { InProcessNetwork } from "../../src/bus/index.ts";
import { kernelFaults } from "../../src/index.ts";
import { company, weather, weatherService } from "./company.ts";

test("a node that fails an action is left alone for it, probed, and taken back; queries are answered by another", async () => {
  const start = company();
  const ill = { isSick: true, calls: 0 };
  await start({ services: [weatherService("ill", ill)] });
  await start({ services: [weatherService("well")] });
  const app = await start({ services: [], remotes: [weather] });
  const records: InspectorRecord[] = [];
  app.inspect((record) => records.push(record), ["breaker", "retry"]);
  for (let call = 0; call < 40; call++) expect(await app.call(weather.sick, {})).toBe("well");
  expect(ill.calls).toBeLessThan(10);
  expect(records.filter(({ kind }) => kind === "retry").length).toBe(ill.calls);
  expect(records.filter(({ kind }) => kind === "breaker")).toMatchObject([{ id: "weather.sick", state: "open" }]);
  expect(await app.call(weather.today, { place: "oslo" })).toHaveProperty("by");
  ill.isSick = false;
  const answers = new Set<string>();
  const began = performance.now();
  while (answers.size < 2 && performance.now() - began < 5_000) {
    answers.add(await app.call(weather.sick, {}));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect([...answers].sort()).toEqual(["ill", "well"]);
  const states = records.filter((record) => record.kind === "breaker").map(({ state }) => state);
  expect(states.slice(-2)).toEqual(["half-open", "closed"]);
});

test("when everybody fails, calls are refused at once, and say when to come back", async () => {
  const start = company();
  await start({ services: [weatherService("ill", { isSick: true, calls: 0 })] });
  const app = await start({ services: [], remotes: [weather] });
  const codes = new Set<string>();
  for (let call = 0; call < 12; call++) {
    const error = await app.call(weather.sick, {}, { deadlineMs: 150 }).catch((caught: unknown) => caught);
    if (kernelFaults.unavailable.is(error)) codes.add(error.details.why);
    else codes.add(String(error));
  }
  expect([...codes]).toContain("everybody who offers it fails, and is left alone for a while");
});

test("a bulkhead bounds what is under way and what waits, and refuses the rest at once", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  const app = await start({ services: [], remotes: [weather] });
  const records: InspectorRecord[] = [];
  app.inspect((record) => records.push(record), ["bulkhead"]);
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(() => app.call(weather.narrow, { ms: 20 })));
  const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason.code] : []));
  expect(refused).toEqual(["kernel.overloaded", "kernel.overloaded"]);
  expect(records.map((record) => record.kind === "bulkhead" && record.state)).toEqual(["queued", "refused", "refused"]);
  await app.call(weather.narrow, { ms: 1 });
});

test("an input whose key cannot be told is refused by whoever validates it, and keeps no place in the bulkhead", async () => {
  const start = company();
  await start({ services: [weatherService("north")] });
  const app = await start({ services: [], remotes: [weather] });
  // Two have a place, and one waits for it.
  for (const wrong of [{}, { place: null }, { place: { name: null } }, { place: { name: 5 } }]) {
    const refused = await Promise.allSettled([1, 2, 3].map(() => app.call(weather.near, wrong as never)));
    expect(refused.map((one) => one.status === "rejected" && one.reason)).toEqual(
      Array(3).fill(expect.objectContaining({ code: "kernel.invalidInput" })),
    );
  }
  expect(await app.call(weather.near, { place: { name: "Oslo" } })).toBe("north");
});

test("who waits in a bulkhead leaves it at its deadline", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  const app = await start({ services: [], remotes: [weather] });
  const long = [1, 2].map(() => app.call(weather.narrow, { ms: 200 }));
  await expect(app.call(weather.narrow, { ms: 1 }, { deadlineMs: 30 })).rejects.toMatchObject({
    code: "kernel.deadline",
  });
  await Promise.all(long);
  expect(await app.call(weather.narrow, { ms: 1 })).toBe("w");
});

test("a fallback answers for who cannot be called, and not for what the service says", async () => {
  const start = company();
  const app = await start({ services: [], remotes: [weather] });
  const records: InspectorRecord[] = [];
  app.inspect((record) => records.push(record), ["fallback"]);
  const guessed = { place: "oslo", celsius: 0, by: "guess" };
  const options = { fallback: () => guessed };
  expect(await app.call(weather.today, { place: "oslo" }, options)).toEqual(guessed);
  expect(records).toMatchObject([{ id: "weather.today", fault: "kernel.unavailable" }]);
  await start({ services: [weatherService("w")] });
  expect(await app.call(weather.today, { place: "oslo" }, options)).toMatchObject({ by: "w" });
  await expect(app.call(weather.today, { place: "atlantis" }, options)).rejects.toMatchObject({
    code: "weather.unknownPlace",
  });
});

describe("in a time that the test turns", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Milliseconds until it is settled; what is under way in the network moves on before each step. */
  const turnUntil = async (settled: Promise<unknown>): Promise<number> => {
    const began = performance.now();
    let isSettled = false;
    const end = () => {
      isSettled = true;
    };
    settled.then(end, end);
    for (;;) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (isSettled) return performance.now() - began;
      await vi.advanceTimersByTimeAsync(5);
    }
  };

  test("a node that falls silent is left within a second, and what it has not answered is asked of another", async () => {
    const network = new InProcessNetwork();
    const clock = { now: Date.now, monotonic: () => performance.now() };
    const startApp = company(network);
    const start = (options: AppOptions) => startApp({ clock, ...options });
    const bus = network.createBus();
    const send = bus.send.bind(bus);
    let isSilent = false;
    bus.send = (to, batch) => {
      if (!isSilent) return send(to, batch);
      batch.sent();
      return true;
    };
    await start({ services: [weatherService("stopped")], bus });
    await start({ services: [weatherService("other")] });
    const app = await start({ services: [], remotes: [weather] });
    const states = () => app.nodes().map(({ state }) => state);
    const answers = new Set<string>();
    while (answers.size < 2) answers.add((await app.call(weather.today, { place: "oslo" })).by);
    await vi.advanceTimersByTimeAsync(300);
    isSilent = true;
    const calls = Array.from({ length: 40 }, () => app.call(weather.today, { place: "oslo" }, { deadlineMs: 3_000 }));
    const retryPauseMs = 100;
    expect(await turnUntil(Promise.all(calls))).toBeLessThanOrEqual(1_000 + retryPauseMs);
    expect(new Set((await Promise.all(calls)).map(({ by }) => by))).toEqual(new Set(["other"]));
    expect(states().sort()).toEqual(["suspect", "up"]);
    isSilent = false;
    const heard = new Promise<void>((resolve) => {
      app.inspect((record) => record.kind === "node" && record.state === "up" && resolve(), ["node"]);
    });
    expect(await turnUntil(heard)).toBeLessThanOrEqual(3_000);
    expect(states()).toEqual(["up", "up"]);
  });
});

test("a process that is behind refuses calls of others, which are answered elsewhere", async () => {
  const start = company();
  const busy = await start({ services: [weatherService("busy")] });
  const records: InspectorRecord[] = [];
  busy.inspect((record) => records.push(record), ["shed"]);
  await start({ services: [], remotes: [weather] }).then(async (app) => {
    await app.call(weather.today, { place: "oslo" });
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const calls = Array.from({ length: 20 }, () => app.call(weather.today, { place: "oslo" }, { deadlineMs: 3_000 }));
    await Promise.allSettled(calls);
  });
  expect(records.length).toBeGreaterThan(0);
  expect(records[0]).toMatchObject({ id: "weather.today", from: expect.stringMatching(/^node-/) });
});
