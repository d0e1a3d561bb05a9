import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../src/report.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "banyan-faults-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) =>
  spawnSync(process.execPath, [main, "--output", folder, ...args], { encoding: "utf8", timeout: 280_000 });

test("a small round of every kind of fault is clean, and reported as JSON and as a page", { timeout: 300_000 }, () => {
  const { status, stdout, stderr } = run("--profile", "smoke", "--engine", "outbox", "--engine", "postgres", "--json");
  expect(stderr).toContain("replacing a process");
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const report = JSON.parse(stdout) as Report;
  const none = { lost: 0, duplicated: 0, phantom: 0, reordered: 0, overlapping: 0, unbalanced: 0 };
  expect(report).toMatchObject({
    profile: "smoke",
    engines: [
      { engine: "outbox", serverKills: 1, pauses: 1, partitions: 1, restarts: 1, crashes: 0, ...none },
      { engine: "postgres", ...none, planted: expect.toSatisfy((planted: number) => planted > 200) },
    ],
  });
  const tried = { cuts: 1, diskFulls: 1, clockJumps: 1 };
  for (const [what, count] of Object.entries(tried)) {
    const isSkipped = report.skipped.some((one) => one.startsWith(what));
    expect(report.engines[0]).toMatchObject({ [what]: isSkipped ? 0 : count });
  }
  expect(report.engines[0]?.messages).toBeGreaterThanOrEqual(300);
  expect(JSON.parse(readFileSync(join(folder, "smoke.json"), "utf8"))).toEqual(report);
  expect(readFileSync(join(folder, "smoke.md"), "utf8")).toContain("| outbox | 1 |");
});

test("an interrupted run goes on with what is left", () => {
  const result = {
    engine: "outbox",
    round: 0,
    messages: 7,
    kills: 3,
    serverKills: 0,
    pauses: 0,
    partitions: 0,
    cuts: 0,
    diskFulls: 0,
    clockJumps: 0,
    restarts: 0,
    refused: 0,
    crashes: 0,
  };
  const verdict = {
    planted: 0,
    lost: 1,
    duplicated: 0,
    phantom: 0,
    reordered: 0,
    overlapping: 0,
    unbalanced: 0,
    notReached: ["a"],
    healedMs: 9,
  };
  writeFileSync(join(folder, "smoke.begun.jsonl"), `{"seed":5}\n${JSON.stringify({ ...result, ...verdict })}\n`);
  const { status, stdout, stderr } = run("--profile", "smoke", "--engine", "outbox");
  expect(stderr).toContain("Going on with seed 5: 1 rounds are done");
  expect(stdout).toContain("| outbox | 1 | 7 | 3 |");
  expect(stdout).toContain("Nobody passed, at outbox: a.");
  expect(status).toBe(1);
});

test.for([
  [["--profile", "tiny"], "No profile is called tiny. Choose from smoke, change, nightly, release."],
  [["--engine", "mqtt"], "No engine is called mqtt."],
  [["--seed", "x"], '--seed takes a whole number from 0 to 4294967295, not "x".'],
  [["--nope"], "Unknown option '--nope'"],
] as const)("%o is refused with what to write instead", ([args, said]) => {
  const { status, stderr } = run(...args);
  expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(said) });
});
