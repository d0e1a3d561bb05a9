// @ts-check
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InstallError, pinnedNodePackage } from "./install.mjs";

/**
 * Runs `file` as the program: in this process when its Node will do, else in a child on the pinned Node, whose
 * output, signals and exit code become this process's own.
 * @param {string} root
 * @param {string} file
 * @param {string[]} args
 */
export async function runPinned(root, file, args) {
  const [node, ...before] = programOf(root, file);
  if (node === process.execPath) {
    process.argv = [process.execPath, file, ...args];
    await import("./compile-cache.mjs");
    await import(pathToFileURL(file).href);
    return;
  }
  const preloaded = ["--import", new URL("end-with-parent.mjs", import.meta.url).href];
  /** @type {import("node:child_process").StdioOptions} */
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(node, [...preloaded, ...before, ...args], { stdio });
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP", "SIGINT"])) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the child itself; a second one would be read as "stop at once".
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  if (process.env.npm_lifecycle_event !== undefined) whenParentEnds(() => child.kill("SIGTERM"));
  process.exitCode = await new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/**
 * The command line that runs `file` in a process of its own: on this process's Node when that will do, else on the pinned one.
 * @param {string} root
 * @param {string} file
 * @returns {[node: string, ...args: string[]]}
 */
export function programOf(root, file) {
  const pinned = findPinnedNode(root);
  const isOurs = pinned === undefined || isAtLeast(process.versions.node, pinned.version);
  const compileCache = new URL("compile-cache.mjs", import.meta.url).href;
  return [isOurs ? process.execPath : pinned.path, "--import", compileCache, file];
}

/** An npm that is killed with -9 passes nothing on, and would leave an orphan. */
function whenParentEnds(/** @type {() => void} */ then) {
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    then();
  }, 1_000);
  poll.unref();
}

/**
 * The Node that package-lock.json pins for this platform; undefined where none is published and the machine's own will do.
 * @param {string} root
 */
function findPinnedNode(root) {
  const folder = join(root, "node_modules", pinnedNodePackage);
  if (existsSync(join(folder, "bin/node"))) {
    return {
      path: join(folder, "bin/node"),
      version: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version,
    };
  }
  if (Number(process.versions.node.split(".")[0]) >= 24) return undefined;
  throw new InstallError(
    `No Node 24 for ${process.platform}-${process.arch} came with the packages: install Node 24 from https://nodejs.org,\n` +
      "or remove node_modules and start again if the download was interrupted.",
  );
}

/**
 * The same major version and no older.
 * @param {string} version
 * @param {string} wanted
 */
function isAtLeast(version, wanted) {
  const [a, b] = [version, wanted].map((text) => text.split(".").map(Number));
  const [major = 0, minor = 0, patch = 0] = a ?? [];
  const [wantedMajor = 0, wantedMinor = 0, wantedPatch = 0] = b ?? [];
  return major === wantedMajor && (minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch));
}
