import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createApp, type InspectorRecord } from "@banyan/kernel/app";
import { expect, onTestFinished, test } from "vitest";
import { createTcpBus } from "../src/index.ts";
import { freePort } from "./network.ts";
import { probe } from "./probe-contract.ts";

type NodeRecord = Extract<InspectorRecord, { kind: "node" }>;

test("a process that is killed is known to be lost within milliseconds, and no query fails for it", async () => {
  const { app, states, services } = await startAll(2);
  const before = await Promise.all(Array.from({ length: 50 }, () => app.call(probe.pid, {})));
  expect(new Set(before)).toEqual(new Set(services.map(({ pid }) => pid)));
  const killedAt = performance.now();
  services[0]?.kill("SIGKILL");
  const answers: number[] = [];
  while (!states.some(({ state }) => state === "lost")) answers.push(await app.call(probe.pid, {}));
  expect(performance.now() - killedAt).toBeLessThan(500);
  for (let i = 0; i < 50; i++) answers.push(await app.call(probe.pid, {}));
  expect(new Set(answers.slice(-50))).toEqual(new Set([services[1]?.pid]));
});

test("a process that stands still is avoided within a second, and used again when it goes on", async () => {
  const { app, states, services } = await startAll(2);
  await Promise.all(Array.from({ length: 50 }, () => app.call(probe.pid, {})));
  const stoppedAt = performance.now();
  services[0]?.kill("SIGSTOP");
  const ask = setInterval(() => app.call(probe.pid, {}, { deadlineMs: 400 }).catch(() => {}), 20);
  await until(() => states.some(({ state }) => state === "suspect"));
  // Three beats of 250 ms, of which the first may just have been answered, and what a busy machine adds.
  expect(performance.now() - stoppedAt).toBeLessThan(1_250);
  clearInterval(ask);
  const answers = await Promise.all(Array.from({ length: 50 }, () => app.call(probe.pid, {})));
  expect(new Set(answers)).toEqual(new Set([services[1]?.pid]));
  services[0]?.kill("SIGCONT");
  await until(() => states.at(-1)?.state === "up");
  const again = await Promise.all(Array.from({ length: 50 }, () => app.call(probe.pid, {})));
  expect(new Set(again)).toEqual(new Set(services.map(({ pid }) => pid)));
});

test("a process that goes on after the deadline of what lies in its socket starts none of it", async () => {
  const { app, services } = await startAll(1);
  expect(await app.call(probe.mark, {})).toBe(1);
  services[0]?.kill("SIGSTOP");
  const calls = Array.from({ length: 20 }, () => app.call(probe.mark, {}, { deadlineMs: 200 }));
  const outcomes = await Promise.allSettled(calls);
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  services[0]?.kill("SIGCONT");
  expect(await app.call(probe.marks, {})).toBe(1);
});

/** One application that only calls, and is the seed, with so many processes that answer. */
async function startAll(count: number) {
  const seed = `127.0.0.1:${await freePort()}`;
  const app = createApp({ services: [], remotes: [probe], bus: createTcpBus({ listen: seed }) });
  const states: NodeRecord[] = [];
  app.inspect((record) => record.kind === "node" && states.push(record), ["node"]);
  await app.start();
  onTestFinished(() => app.stop({ deadlineMs: 100 }));
  const services = await Promise.all(Array.from({ length: count }, () => startService(seed)));
  await until(() => app.nodes().length === count);
  return { app, states, services };
}

async function startService(seed: string): Promise<ChildProcess> {
  const child = fork(new URL("./service-main.ts", import.meta.url), [seed], { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
