// @ts-check
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { programOf } from "./run-pinned.mjs";

/**
 * Ends an installation: what it wrote goes to the disk while the platform is compiled and the database server unpacked, so that the
 * first start waits for none of it. What cannot be done here the start does itself, or says why not.
 * @param {string} root
 */
export async function prepare(root) {
  const cli = join(root, "cli/src/main.ts");
  if (!existsSync(cli)) return;
  const [node, ...args] = programOf(root, cli);
  await Promise.all([ended("sync", []), ended(node, [...args, "prepare"])]);
}

/** A machine whose disk is that far behind is not made faster by waiting for it. */
const patienceMs = 60_000;

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function ended(command, args) {
  return new Promise((done) => {
    spawn(command, args, { stdio: "ignore", timeout: patienceMs }).on("error", done).on("exit", done);
  });
}
