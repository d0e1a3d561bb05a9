import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from "node:fs";

/** Two files of this size at most, so a day of errors cannot fill the disk. */
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Keeps the log bounded: past 16 MB it is moved to `….1` and emptied in place, so that the server may go on appending.
 * What it writes between the two steps is lost. Costs one stat; a logging collector would cost a process.
 */
export function rotateLog(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat || stat.size < BYTES_MAX) return;
  try {
    copyFileSync(path, `${path}.1`);
  } catch {
    // A full disk: emptying the log is what makes room.
  }
  truncateSync(path);
}

/** What was written since `offset`: the last 2,000 bytes of it. */
export function readLogSince(path: string, offset: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const start = Math.max(offset > size ? 0 : offset, size - 2_000);
    const buffer = Buffer.alloc(size - start);
    readSync(file, buffer, 0, buffer.length, start);
    return buffer.toString("utf8");
  } finally {
    closeSync(file);
  }
}
