// @ts-check
/**
 * Runs `FILE ARGS…` on the project's own Node with every package installed: `node tools/bootstrap.mjs FILE ARGS…`.
 * Plain JavaScript without dependencies, because it runs before there are any, on whatever Node (>= 20) the machine has.
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureNpmCache, InstallError, install } from "./bootstrap/install.mjs";
import { prepare } from "./bootstrap/prepare.mjs";
import { runPinned } from "./bootstrap/run-pinned.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [file, ...args] = process.argv.slice(2);

try {
  if (file === undefined)
    throw new InstallError("Nothing to run: give a file, as in `node tools/bootstrap.mjs FILE ARGS…`.");
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) {
    throw new InstallError(
      `Node ${process.versions.node} is too old: install Node 20 or newer from https://nodejs.org.`,
    );
  }
  ensureNpmCache();
  await install(root, { print: (text) => process.stderr.write(text), prepare: () => prepare(root) });
  await runPinned(root, resolve(root, file), args);
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
