import { execFile } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * Who keeps a server alive: every owner holds the write end of one named pipe in the run folder, and the
 * server's guard reads it. The kernel closes a dead process's end, so the guard reads end-of-file when the
 * last owner is gone, however it went; there are no pids to check and nothing goes stale.
 *
 * O1 The pipe is never replaced: ownership belongs to the data folder and outlives a restart of the server.
 * O2 Only guards read, and a guard stops reading the moment it decides to shut the server down, so that
 *    "the pipe has a reader" means "a guarded server lives".
 */
export type Ownership = { release(): void };

export async function createPipe(runFolder: string): Promise<void> {
  const path = pipeIn(runFolder);
  if (existsSync(path)) return;
  await promisify(execFile)("mkfifo", ["-m", "600", path]).catch((error: unknown) => {
    if (!existsSync(path)) throw error;
  });
}

/** Becomes an owner of the guarded server; undefined when no guard reads. */
export function claimGuarded(runFolder: string): Ownership | undefined {
  try {
    const fd = openSync(pipeIn(runFolder), constants.O_WRONLY | constants.O_NONBLOCK);
    return once(() => closeSync(fd));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENXIO" || code === "ENOENT") return undefined;
    throw error;
  }
}

/** Becomes an owner before there is a guard; the read end is for the guard to inherit. */
export function claimFirst(runFolder: string): { ownership: Ownership; readEnd: number } {
  const path = pipeIn(runFolder);
  // A plain open waits for the other side. With a first reader that does not wait, neither of the two that matter has to.
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writer = openSync(path, constants.O_WRONLY);
    return { ownership: once(() => closeSync(writer)), readEnd: openSync(path, constants.O_RDONLY) };
  } finally {
    closeSync(first);
  }
}

/** Whether anybody owns the server. POSIX: a read that would wait says so where there is a writer, and ends where there is none. */
export function hasOwner(runFolder: string): boolean {
  const fd = openSync(pipeIn(runFolder), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readSync(fd, Buffer.alloc(1)) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return true;
    throw error;
  } finally {
    closeSync(fd);
  }
}

function pipeIn(runFolder: string): string {
  return join(runFolder, "owners");
}

function once(close: () => void): Ownership {
  let open = true;
  return {
    release() {
      if (open) close();
      open = false;
    },
  };
}
