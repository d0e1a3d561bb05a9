import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Row } from "../src/row.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

test("a quick run of the call area prints finite rows as JSON, and progress apart from it", () => {
  const { status, stdout, stderr } = bench("call", "--quick", "--no-install", "--json");
  expect(status, stderr).toBe(0);
  const rows = JSON.parse(stdout) as Row[];
  expect(rows.map((row) => row.peerName)).toContain("raw async function");
  for (const row of rows) {
    expect(Object.keys(row).sort()).toEqual(["area", "ours", "peer", "peerName", "ratio", "reach", "row", "unit"]);
    for (const value of [row.ours, row.peer, row.ratio]) expect(value).toBeGreaterThan(0);
    expect((row.ratio * row.peer) / row.ours).toBeCloseTo(1, 2);
  }
  expect(stderr).toContain("round 1 of 1");
}, 60_000);

test("an unknown area names those that exist", () => {
  const { status, stderr } = bench("cal");
  expect(status).toBe(1);
  expect(stderr).toMatch(/No area is called cal\. Choose from call, http/);
});

test("the help shows examples", () => {
  expect(bench("--help").stdout).toContain("npm run bench -- call");
});

test.each([
  ["pg", "adapters/sql-postgres"],
  ["fastify", "platform/gateway"],
])("peers and ours stand on the same %s", (library, folder) => {
  const versionIn = (path: string) => {
    const text = readFileSync(new URL(`../${path}/package.json`, import.meta.url), "utf8");
    return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies[library];
  };
  expect(versionIn("peers")).toBe(versionIn(`../${folder}`));
});
