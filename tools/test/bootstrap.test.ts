import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import { pinnedNodePackage } from "../bootstrap/install.mjs";
import { temporaryFolder, writeFiles } from "./temporary-folder.ts";

const tools = dirname(import.meta.dirname);

type Result = { code: number | null; signal: string | null; output: string };

/** The manifest and lock of a project whose dependencies are the given folders of its own. */
function dependingOn(...folders: string[]): Record<string, string> {
  const dependencies = Object.fromEntries(folders.map((name) => [name, `file:${name}`]));
  const links = folders.map((name) => [`node_modules/${name}`, { resolved: name, link: true }]);
  const packages = {
    "": { name: "sample", dependencies },
    ...Object.fromEntries([...folders.map((name) => [name, { version: "1.0.0" }]), ...links]),
  };
  return {
    ...Object.fromEntries(folders.map((name) => [`${name}/package.json`, JSON.stringify({ name, version: "1.0.0" })])),
    "package.json": JSON.stringify({ name: "sample", type: "module", dependencies }),
    "package-lock.json": JSON.stringify({ name: "sample", lockfileVersion: 3, packages }),
  };
}

/** A project with the real bootstrap, one dependency, and a program that says what it was given. */
function project(files: Record<string, string> = {}): string {
  const program = [
    "const given: string[] = process.argv.slice(2);",
    'console.log("ran", given.join());',
    "process.exitCode = 7;",
  ];
  const folder = temporaryFolder({ ...dependingOn("own"), "program.ts": program.join("\n"), ...files });
  cpSync(join(tools, "bootstrap.mjs"), join(folder, "tools/bootstrap.mjs"));
  cpSync(join(tools, "bootstrap"), join(folder, "tools/bootstrap"), { recursive: true });
  return folder;
}

function start(folder: string, env: NodeJS.ProcessEnv = {}) {
  const command = [join(folder, "tools/bootstrap.mjs"), "program.ts", "a b", "c"];
  return collect(
    spawn(process.execPath, command, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] }),
  );
}

function collect(child: ChildProcessByStdio<null, Readable, Readable>) {
  let output = "";
  const keep = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const finished = once(child, "close").then(([code, signal]): Result => ({ code, signal, output }));
  return { child, finished };
}

const run = (folder: string, env?: NodeJS.ProcessEnv): Promise<Result> => start(folder, env).finished;

test("installs once, then runs the program with its arguments and exit code", async () => {
  const folder = project();
  const first = await run(folder);
  expect(first.output).toMatch(/^Installing what is missing.*\nInstalled in .* s\.\nran a b,c\n$/);
  expect(first.code).toBe(7);
  expect((await run(folder)).output).toBe("ran a b,c\n");
});

test("ends an installation by preparing the first start, whether that works or not", async () => {
  const main = [
    'import { appendFileSync } from "node:fs";',
    'appendFileSync(import.meta.dirname + "/given", process.argv.slice(2).join() + ";");',
    "process.exitCode = 1;",
  ];
  const folder = project({ "cli/src/main.ts": main.join("\n") });
  expect((await run(folder)).output).toMatch(/^Installing what is missing.*\nInstalled in .* s\.\nran a b,c\n$/);
  await run(folder);
  expect(readFileSync(join(folder, "cli/src/given"), "utf8")).toBe("prepare;");
});

test("installs again when package-lock.json asks for something else, or node_modules is gone", async () => {
  const folder = project();
  await run(folder);
  writeFiles(folder, dependingOn("own", "other"));
  expect((await run(folder)).output).toContain("Installed in");
  expect(existsSync(join(folder, "node_modules/other/package.json"))).toBe(true);
  rmSync(join(folder, "node_modules"), { recursive: true });
  expect((await run(folder)).output).toContain("Installed in");
});

test("does not install what `npm install` has just installed", async () => {
  const folder = project();
  await run(folder);
  rmSync(join(folder, "node_modules/.banyan-lock"));
  expect((await run(folder)).output).toBe("ran a b,c\n");
});

test("two at once take turns, and only one installs", async () => {
  const folder = project();
  const outputs = (await Promise.all([run(folder), run(folder)])).map(({ output }) => output);
  expect(outputs.every((output) => output.endsWith("ran a b,c\n"))).toBe(true);
  expect(outputs.filter((output) => output.includes("Installed in"))).toHaveLength(1);
  expect(existsSync(join(folder, ".install.lock"))).toBe(false);
});

test("a lock whose holder died does not stop the next one", async () => {
  const ended = spawn(process.execPath, ["-e", ""]);
  await once(ended, "close");
  const folder = project({ ".install.lock": String(ended.pid) });
  expect((await run(folder)).output).toContain("ran a b,c");
});

test("a registry that cannot be reached is named as the reason, with what to do", async () => {
  const integrity = `sha512-${Buffer.alloc(64).toString("base64")}`;
  const packages = {
    "": { name: "sample", dependencies: { "banyan-absent": "1.0.0" } },
    "node_modules/banyan-absent": { version: "1.0.0", integrity },
  };
  const folder = project({
    "package.json": JSON.stringify({ name: "sample", dependencies: { "banyan-absent": "1.0.0" } }),
    "package-lock.json": JSON.stringify({ name: "sample", lockfileVersion: 3, packages }),
  });
  const { code, output } = await run(folder, { npm_config_registry: "http://127.0.0.1:9/" });
  expect(output).toContain("The npm registry cannot be reached: check the network.");
  expect(output).not.toContain("ran ");
  expect(code).toBe(1);
}, 60_000);

const server =
  'process.on("SIGTERM", () => process.exit(0));\nconsole.log("up", process.pid);\nsetInterval(() => {}, 1000);\n';

/** Makes the fixture's pinned Node one that this process is not, so that the program runs in a child. */
function projectOnAnotherNode(): string {
  const folder = project({ ...dependingOn("own", pinnedNodePackage), "program.ts": server });
  mkdirSync(join(folder, pinnedNodePackage, "bin"));
  symlinkSync(process.execPath, join(folder, pinnedNodePackage, "bin/node"));
  return folder;
}

async function pidOnceUp({ child }: ReturnType<typeof start>): Promise<number> {
  for await (const chunk of child.stdout) {
    const pid = /up (\d+)/.exec(String(chunk))?.[1];
    if (pid !== undefined) return Number(pid);
  }
  throw new Error("the program did not come up");
}

test("a signal reaches the program, and its exit code comes back", async () => {
  const here = start(project({ "program.ts": server }));
  expect(await pidOnceUp(here)).toBe(here.child.pid);
  here.child.kill("SIGTERM");
  expect(await here.finished).toMatchObject({ code: 0, signal: null });

  const below = start(projectOnAnotherNode());
  expect(await pidOnceUp(below)).not.toBe(below.child.pid);
  below.child.kill("SIGTERM");
  expect(await below.finished).toMatchObject({ code: 0, signal: null });
});

test("a program below a bootstrap that is killed ends too", async () => {
  const below = start(projectOnAnotherNode());
  const pid = await pidOnceUp(below);
  below.child.kill("SIGKILL");
  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
});

test("a program below an npm that is killed ends too", async () => {
  const folder = projectOnAnotherNode();
  const script = { start: "exec node tools/bootstrap.mjs program.ts" };
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  writeFiles(folder, { "package.json": JSON.stringify({ ...manifest, scripts: script }) });
  const npm = collect(spawn("npm", ["start"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }));
  const pid = await pidOnceUp(npm);
  npm.child.kill("SIGKILL");
  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
