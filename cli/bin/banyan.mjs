#!/usr/bin/env node
/** Starts the CLI: inside a checkout on the Node that it pins, elsewhere on the one that runs this, from the built files. */
import { existsSync } from "node:fs";
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
} else {
  // Half of what a short command computes. In the user's own folder: what lies where others write is not for running.
  if (process.env.HOME) module.enableCompileCache?.(join(process.env.HOME, ".cache", "banyan", "compiled"));
  process.argv = [process.execPath, fileURLToPath(import.meta.url), ...args];
  await import(new URL("../dist/main.js", import.meta.url).href);
}
