import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const FILE = "postmaster.pid";

/** What a running server says of itself in postmaster.pid; the status is empty while the file is being written. */
export type Postmaster = {
  readonly pid: number;
  readonly port: number;
  readonly status: "" | "starting" | "ready" | "stopping" | "standby";
};

/** Undefined when no server runs in this cluster, as far as the file tells: its process may be long gone. */
export function readPostmaster(clusterFolder: string): Postmaster | undefined {
  return parse(join(clusterFolder, FILE));
}

/** Removes the file that a dead server left, empty where it had no pid yet, and puts it back should it be a new server's by now. */
export function removeStale(clusterFolder: string, deadPid: number | undefined): void {
  const file = join(clusterFolder, FILE);
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (parse(aside)?.pid === deadPid) rmSync(aside, { force: true });
  else renameSync(aside, file);
}

function parse(file: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(file, "utf8").split("\n");
  } catch {
    return undefined;
  }
  // A negative pid is that of a single-user backend.
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isSafeInteger(pid) || pid === 0) return undefined;
  return {
    pid,
    port: Number(lines[3] ?? 0),
    status: (lines[7]?.trim() ?? "") as Postmaster["status"],
  };
}

/** A zombie is dead: in a container pid 1 may take seconds to collect one, or never do. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  if (process.platform !== "linux") return true;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/**
 * What a pid from postmaster.pid belongs to by now: in a container, or after a reboot, a stale one is soon another
 * program's, perhaps another PostgreSQL's. Told by the command line, which everybody may read.
 */
export function identify(pid: number, clusterName: string): "nobody" | "ours" | "another_postgres" | "another_program" {
  if (!isAlive(pid)) return "nobody";
  const command = readCommand(pid);
  if (command.includes(`cluster_name=${clusterName}`)) return "ours";
  return /(^|\/)postgres:?(\s|$)/.test(command) ? "another_postgres" : "another_program";
}

/**
 * Ends the sessions that outlive a killed postmaster: one that computes without waiting for anything does not notice
 * the death, and the cluster's memory is not let go, nor a start allowed, until its query is done.
 */
export function endLeftBehind(clusterName: string): void {
  for (const pid of listProcesses()) {
    if (!readCommand(pid).startsWith(`postgres: ${clusterName}: `)) continue;
    try {
      process.kill(pid, "SIGQUIT");
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

function listProcesses(): number[] {
  const pids =
    process.platform === "linux"
      ? readdirSync("/proc")
      : execFileSync("ps", ["-A", "-o", "pid="], { encoding: "utf8" }).split("\n");
  return pids.map(Number).filter((pid) => pid > 0);
}

function readCommand(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}
