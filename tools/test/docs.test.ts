import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runPage } from "../docs/run-page.ts";
import { findSamples } from "../docs/samples.ts";

const root = dirname(dirname(import.meta.dirname));
const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((path) => join("docs", path));
const pages = ["README.md", "CONTRIBUTING.md", ...docs].filter(
  (path) => path.endsWith(".md") && existsSync(join(root, path)),
);

for (const page of pages) {
  const samples = findSamples(readFileSync(join(root, page), "utf8"));
  if (samples.length === 0) continue;
  test(`${page} does what it says`, async () => {
    await runPage(samples, { root, folder: join(root, "dist/docs", page.replaceAll("/", "-")) });
  }, 300_000);
}

test("the architecture names every folder of the project and of the kernel", () => {
  const text = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8");
  const foldersIn = (path: string) =>
    readdirSync(join(root, path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^\.|^(node_modules|dist)$/.test(entry.name))
      .map(({ name }) => name);
  const untold = [
    ...foldersIn("kernel/src").filter((name) => !text.includes(`│  ${name}/ `)),
    ...foldersIn("").filter((name) => !text.includes(`| \`${name}/\` |`)),
  ];
  expect(untold).toEqual([]);
});

const folder = join(root, "dist/docs", `test-${process.pid}`);
const runText = (...lines: string[]) => runPage(findSamples(lines.join("\n")), { root, folder });

test("a page's shell and TypeScript run in order, and what they print is compared", async () => {
  await runText(
    ...["<!-- file: name.ts -->", "```ts", 'export const name: string = "Ada";', "```"],
    ...["<!-- runs -->", "```ts", 'import { name } from "./name.ts";', 'console.log("Hello,", name);', "```"],
    ...["<!-- prints -->", "```text", "Hello, Ada", "```"],
    ...["```sh", "exit 1 # an illustration", "```"],
    ...["<!-- runs -->", "```sh", "test -f name.ts", "```"],
  );
});

test("the shell of a page without files starts at the project's root", async () => {
  await runText("<!-- runs -->", "```sh", "test -f package-lock.json", "```");
});

test.each([
  [
    "a command that fails",
    ["<!-- runs -->", "```sh", "echo before; false", "```"],
    /line 3: the sample failed:[\s\S]*before/,
  ],
  ["TypeScript that does not type-check", ["<!-- runs -->", "```ts", 'export const n: number = "a";', "```"], /TS2322/],
  [
    "other output",
    ["<!-- runs -->", "```sh", "echo a", "```", "<!-- prints -->", "```text", "b", "```"],
    /did not print\n {2}b/,
  ],
  ["a mark without a fence", ["<!-- runs -->", "text"], /line 1: .* needs a fence/],
])("fails for %s", async (_, lines, message) => {
  await expect(async () => runText(...lines)).rejects.toThrow(message);
});
