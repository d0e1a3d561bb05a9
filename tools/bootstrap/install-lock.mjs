// @ts-check
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const pollMs = 200;
/** An installation over a slow line takes minutes; a holder older than this hangs or its pid was given to another. */
const staleAfterMs = 15 * 60_000;
/** Between a holder's creating the file and its writing the pid. */
const unwrittenMs = 2_000;

/**
 * Runs `work` while no other process does so under the same `path`. A holder that died is replaced at once.
 * @param {string} path
 * @param {(text: string) => void} print
 * @param {() => Promise<void>} work
 */
export async function withInstallLock(path, print, work) {
  let announced = false;
  while (!tryTake(path)) {
    if (!announced) print("Another process is installing; waiting for it.\n");
    announced = true;
    await delay(pollMs);
  }
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** @param {string} path */
function tryTake(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
  }
  removeIfStale(path);
  return false;
}

/** Moves the file away before it deletes it, so that of two waiters only one removes a given holder's file. */
function removeIfStale(/** @type {string} */ path) {
  try {
    const holder = readFileSync(path, "utf8");
    const ageMs = Date.now() - statSync(path).mtimeMs;
    if (holder === "" ? ageMs < unwrittenMs : isAlive(Number(holder)) && ageMs < staleAfterMs) return;
    const aside = `${path}.${process.pid}`;
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") === holder) rmSync(aside);
    else renameSync(aside, path);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") throw error;
  }
}

function isAlive(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
