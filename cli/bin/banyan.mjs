#!/usr/bin/env node
/** Starts the CLI: inside a checkout on the Node that it pins, elsewhere on the one that runs this, from the built files. */
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const pinned = new URL("../../tools/bootstrap/run-pinned.mjs", import.meta.url);
const args = process.argv.slice(2);

if (existsSync(source) && existsSync(pinned)) {
  const { runPinned } = await import(pinned.href);
  try {
    await runPinned(fileURLToPath(new URL("../../", import.meta.url)), source, args);
  } catch (error) {
    process.stderr.write(`banyan: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
} else if (isTooOld()) {
  process.stderr.write(
    `banyan: Node ${process.versions.node} is too old: install Node ${oldest()} or newer from https://nodejs.org.\n`,
  );
  process.exitCode = 1;
} else {
  // Half of what a short command computes. In the user's own folder: what lies where others write is not for running.
  if (process.env.HOME) module.enableCompileCache?.(join(process.env.HOME, ".cache", "banyan", "compiled"));
  process.argv = [process.execPath, fileURLToPath(import.meta.url), ...args];
  await import(new URL("../dist/main.js", import.meta.url).href);
}

/** The first version that package.json's `engines` takes, as "22.18". */
function oldest() {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return manifest.engines.node.replace(">=", "");
}

/** Said here, because what an old Node says of newer code helps nobody. */
function isTooOld() {
  const [major = 0, minor = 0] = oldest().split(".").map(Number);
  const [ourMajor = 0, ourMinor = 0] = process.versions.node.split(".").map(Number);
  return ourMajor < major || (ourMajor === major && ourMinor < minor);
}
