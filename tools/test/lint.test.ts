import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

const root = dirname(dirname(import.meta.dirname));
const run = promisify(execFile);

/** One violation per house rule that biome.json carries, by the file that holds it. */
const planted: Record<string, { rule: string; text: string }> = {
  "kernel/src/floating.ts": {
    rule: "lint/nursery/noFloatingPromises",
    text: "async function send(): Promise<void> {}\nexport function start(): void {\n  send();\n}\n",
  },
  "kernel/src/any.ts": { rule: "lint/suspicious/noExplicitAny", text: "export const a: any = 1;\n" },
  "kernel/src/default.ts": { rule: "lint/style/noDefaultExport", text: "const a = 1;\nexport default a;\n" },
  "kernel/src/star.ts": { rule: "lint/performance/noReExportAll", text: 'export * from "./any.ts";\n' },
  "kernel/src/environment.ts": { rule: "lint/style/noProcessEnv", text: "export const home = process.env.HOME;\n" },
  "kernel/src/camelCase.ts": { rule: "lint/style/useFilenamingConvention", text: "export const a = 1;\n" },
  "kernel/src/parameters.ts": {
    rule: "lint/complexity/useMaxParams",
    text: "export const sum = (a: number, b: number, c: number, d: number) => a + b + c + d;\n",
  },
  "kernel/src/long.ts": {
    rule: "lint/complexity/noExcessiveLinesPerFunction",
    text: `export function print(): void {\n${"  console.log();\n".repeat(71)}}\n`,
  },
  "kernel/src/imports.ts": {
    rule: "assist/source/organizeImports",
    text: 'import { z } from "zod";\nimport { a } from "a";\nexport const b = [a, z];\n',
  },
  "kernel/src/layout.ts": { rule: "format", text: "export const a = 'a'\n" },
  "kernel/test/only.test.ts": {
    rule: "lint/suspicious/noFocusedTests",
    text: 'import { test } from "vitest";\n\ntest.only("a", () => {});\n',
  },
  "kernel/test/skip.test.ts": {
    rule: "lint/suspicious/noSkippedTests",
    text: 'import { test } from "vitest";\n\ntest.skip("a", () => {});\n',
  },
};

const clean = {
  "cli/src/environment.ts": "export const home = process.env.HOME;\n",
  "vite.config.ts": "const a = 1;\nexport default a;\n",
};

test("biome.json refuses what the house refuses, and nothing in a clean file", async () => {
  const texts = Object.entries(planted).map(([path, { text }]) => [path, text] as const);
  const folder = temporaryFolder({
    ...Object.fromEntries(texts),
    ...clean,
    "biome.json": readFileSync(join(root, "biome.json"), "utf8"),
  });
  const command = [
    join(root, "node_modules/@biomejs/biome/bin/biome"),
    "check",
    "--vcs-enabled=false",
    "--max-diagnostics=none",
  ];
  const result = await run(process.execPath, [...command, "--reporter=github", "."], { cwd: folder }).catch(
    (failure: { stdout: string }) => failure,
  );
  const found = [...result.stdout.matchAll(/^::error title=([^,]+),file=([^,]+)/gm)].map(
    ([, rule, file = ""]) => `${relative(folder, file)} ${rule}`,
  );
  expect([...new Set(found)].sort()).toEqual(
    Object.entries(planted)
      .map(([path, { rule }]) => `${path} ${rule}`)
      .sort(),
  );
});
