import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { openHistory } from "./history.ts";
import { connectJudge, judge } from "./ledger-check.ts";
import { openLoadAccounts, post, startLoad } from "./load.ts";
import { createPlatform, type Platform, until } from "./platform.ts";
import { profile, seed } from "./profile.ts";

/** Longer than a call's deadline of 5 s, so that those under way must end without the server's help. */
const stoppedMs = 8_000;
/** The deadline, and what a busy machine may add to it. */
const answeredMs = 7_500;
const transferCount = 1_000;

let platform: Platform;
afterEach(async () => {
  signalDatabase("SIGCONT");
  await platform.remove();
});

test(`a database server that stands still: calls end at their deadline, and work goes on after, seed ${seed}`, {
  timeout: profile.timeoutMs,
}, async () => {
  platform = await createPlatform(new URL("../../../banyan.config.ts", import.meta.url));
  const history = await openHistory(join(platform.folder, "history.jsonl"));
  await platform.start();
  await openLoadAccounts(platform);
  const { pid } = platform;
  const load = startLoad(platform, history, transferCount);
  await until("work is under way", () => load.acknowledged() >= 100);

  signalDatabase("SIGSTOP");
  const began = performance.now();
  const asked = await Promise.all([
    post(platform, "/v1/accounts", { body: { address: "faults:late", currency: "EUR" } }),
    fetch(`${platform.url}/v1/ledger/trial-balance`, { headers: { authorization: `Bearer ${platform.key}` } }),
    fetch(`${platform.url}/readiness`),
    fetch(`${platform.url}/health`),
  ]);
  const [command, query, readiness, health] = asked.map((answer) => answer?.status);
  expect([503, 504]).toContain(command);
  expect([503, 504]).toContain(query);
  expect([readiness, health]).toEqual([503, 200]);
  const tookMs = performance.now() - began;
  expect(tookMs).toBeLessThan(answeredMs);
  await sleep(Math.max(0, stoppedMs - tookMs));
  signalDatabase("SIGCONT");

  await load.done;
  const codes = Map.groupBy(load.refusals, ({ status, code }) => `${status} ${code}`);
  console.log([...codes].map(([code, all]) => `${code}: ${all.length}`).join(", "));
  expect(load.refusals.length).toBeGreaterThan(0);
  expect(Math.max(...load.refusals.map((refusal) => refusal.tookMs))).toBeLessThan(answeredMs);
  expect(load.broken()).toBe(0);
  expect(platform.pid).toBe(pid);

  const client = await connectJudge(await platform.databaseUrl());
  try {
    await until("the outbox is empty", async () => (await client.query("SELECT FROM banyan.unsent")).rowCount === 0);
    expect(await judge({ client, history: history.read(), transfers: load.transfers })).toEqual([]);
    // The account that nobody could promise: it was opened once or not at all, and can be asked for again.
    const again = await post(platform, "/v1/accounts", { body: { address: "faults:late", currency: "EUR" } });
    expect([201, 409]).toContain(again?.status);
  } finally {
    await client.end();
    await history.close();
  }
  expect((await platform.run("verify")).code).toBe(0);
  expect(await platform.stop()).toBe(0);
});

/** The postmaster and its sessions: stopping the first alone would keep nobody waiting. */
function signalDatabase(signal: "SIGSTOP" | "SIGCONT"): void {
  const postmaster = platform.postmasterPid();
  if (postmaster === undefined) return;
  const sessions = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (parent === postmaster && pid !== undefined ? [pid] : []));
  for (const pid of [postmaster, ...sessions]) {
    try {
      process.kill(pid, signal);
    } catch {
      // The session ended meanwhile.
    }
  }
}
