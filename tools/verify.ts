import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const modules = join(root, "node_modules");

/** The one gate. Tidy, the docs' commands and samples, and the packages' installation are suites among the tests. */
const steps = [
  { name: "format and lint", file: "@biomejs/biome/bin/biome", args: ["check", "--error-on-warnings", "."] },
  { name: "types", file: "typescript/bin/tsc", args: ["--noEmit", "--checkers", "1", "-p", "."] },
  { name: "tests", file: "vitest/vitest.mjs", args: ["run"] },
];

const results = steps.map(({ name, file, args }) => {
  console.log(`\n— ${name}`);
  const startedAt = performance.now();
  const { status } = spawnSync(process.execPath, [join(modules, file), ...args], { cwd: root, stdio: "inherit" });
  return { name, isPassed: status === 0, seconds: (performance.now() - startedAt) / 1000 };
});

console.log("");
for (const { name, isPassed, seconds } of results) {
  console.log(`${isPassed ? "passed" : "FAILED"}  ${name}  ${seconds.toFixed(1)} s`);
}
process.exitCode = results.every(({ isPassed }) => isPassed) ? 0 : 1;
