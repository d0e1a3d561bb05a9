import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EmbeddedPostgresError, explain } from "./error.ts";
import { canReach, chooseRunAs, type RunAs } from "./run-as.ts";

/** Where everything of one embedded server lies; only the user that runs it may enter. */
export type DataFolder = {
  readonly path: string;
  /** PostgreSQL's own data directory. */
  readonly cluster: string;
  readonly log: string;
  /** Holds the socket and the owners' pipe. */
  readonly run: string;
  readonly runAs: RunAs | undefined;
  /** How the server, standing in `cluster`, is told of the two folders: it may be unable to walk to their paths. */
  readonly clusterArgument: string;
  readonly socketArgument: string;
};

/** sockaddr_un holds 104 bytes on macOS, 108 on Linux, with "/.s.PGSQL.55000" and a zero to come. */
const RUN_PATH_BYTES_MAX = 85;

/** Makes the folder, or checks that it is ours. */
export function prepareDataFolder(dataFolder: string): DataFolder {
  const wanted = resolve(dataFolder);
  try {
    mkdirSync(wanted, { recursive: true });
    const path = realpathSync(wanted);
    checkOwner(path);
    const cluster = join(path, "cluster");
    const runAs = chooseRunAs(cluster);
    makePrivate(path, runAs);
    const run = chooseRunFolder(path);
    makePrivate(run, runAs);
    return {
      path,
      cluster,
      log: join(path, "postgres.log"),
      run,
      runAs,
      clusterArgument: process.platform === "linux" && !canReach(runAs, path) ? "/proc/self/cwd" : cluster,
      socketArgument: run.startsWith(path) ? "../run" : `"${run.replaceAll('"', '""')}"`,
    };
  } catch (error) {
    throw explain(`Preparing the data folder ${wanted}`, error);
  }
}

function makePrivate(folder: string, runAs: RunAs | undefined): void {
  mkdirSync(folder, { recursive: true });
  if (runAs) chownSync(folder, runAs.uid, runAs.gid);
  chmodSync(folder, 0o700);
}

/** In the data folder; where that makes the socket's path too long, a short one that belongs to this data folder alone. */
function chooseRunFolder(path: string): string {
  const inside = join(path, "run");
  if (Buffer.byteLength(inside) <= RUN_PATH_BYTES_MAX) return inside;
  const name = `banyan-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
  const short = join(Buffer.byteLength(tmpdir()) <= 50 ? tmpdir() : "/tmp", name);
  // Anyone may create the name first; whoever owns the folder could read what passes through the socket.
  const stat = existsSync(short) ? lstatSync(short) : undefined;
  const owners = [process.getuid?.(), statSync(path).uid];
  if (stat && (!stat.isDirectory() || !owners.includes(stat.uid))) {
    const message = `${short}, where the socket of ${path} would lie, belongs to somebody else: remove it, or choose a shorter data folder.`;
    throw new EmbeddedPostgresError("data_owner", message);
  }
  return short;
}

function checkOwner(path: string): void {
  const [uid, owner] = [process.getuid?.(), statSync(path).uid];
  if (uid === 0 || uid === owner) return;
  const message =
    `${path} belongs to uid ${owner}, and this is uid ${uid}. ` +
    `Start as that user (root lent it one, if it was started as root), or take it over: sudo chown -R ${uid} '${path}'`;
  throw new EmbeddedPostgresError("data_owner", message);
}
