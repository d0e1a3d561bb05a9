import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

const root = dirname(dirname(import.meta.dirname));
const run = promisify(execFile);

test("nothing is unused: files, exports, dependencies", async () => {
  expect(await findUnused(root)).toBe("");
});

test("nothing shipped is used by tests only", async () => {
  expect(await findUnused(root, "--production")).toBe("");
});

test("an export, a file and a dependency that nobody needs are found", async () => {
  const folder = temporaryFolder({
    "package.json": JSON.stringify({ name: "root", workspaces: ["kernel"] }),
    "knip.json": readFileSync(join(root, "knip.json"), "utf8"),
    "kernel/package.json": JSON.stringify({
      name: "@banyan/kernel",
      exports: { ".": "./src/index.ts" },
      dependencies: { "left-over": "1.0.0" },
    }),
    "kernel/src/index.ts": 'export { used } from "./call.ts";\n',
    "kernel/src/call.ts": "export const used = 1;\nexport const unused = 2;\n",
    "kernel/src/forgotten.ts": "",
  });
  expect(await findUnused(folder)).toBe(
    [
      "Unused files (1)",
      "kernel/src/forgotten.ts",
      "Unused dependencies (1)",
      "left-over  kernel/package.json",
      "Unused exports (1)",
      "unused  kernel/src/call.ts:2:14",
      "",
    ].join("\n"),
  );
});

/** What knip prints about `folder`: nothing when all is in use. */
async function findUnused(folder: string, ...flags: string[]): Promise<string> {
  const command = [join(root, "node_modules/knip/bin/knip.js"), "--no-progress", "--no-config-hints", ...flags];
  const result = await run(process.execPath, command, { cwd: folder }).catch(
    (failure: { stdout: string; stderr: string }) => failure,
  );
  return result.stderr + result.stdout;
}
