import { createHash } from "node:crypto";
import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync } from "node:fs";
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
  /** Marks the server's processes as this folder's. */
  readonly clusterName: string;
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
    const cluster = join(path, "cluster");
    const runAs = chooseRunAs(path);
    makePrivate(path, runAs);
    const run = chooseRunFolder(path);
    makePrivate(run, runAs);
    return {
      path,
      cluster,
      log: join(path, "postgres.log"),
      run,
      runAs,
      clusterName: nameOf(path),
      clusterArgument: process.platform === "linux" && !canReach(runAs, path) ? "/proc/self/cwd" : cluster,
      socketArgument: run.startsWith(path) ? "../run" : `"${run.replaceAll('"', '""')}"`,
    };
  } catch (error) {
    throw explain(`Preparing the data folder ${wanted}`, error);
  }
}

function makePrivate(folder: string, runAs: RunAs | undefined): void {
  mkdirSync(folder, { recursive: true });
  const stat = lstatSync(folder);
  const uid = process.getuid?.();
  if (!stat.isDirectory() || (uid !== stat.uid && (uid !== 0 || stat.uid !== runAs?.uid))) {
    const message =
      `${folder} belongs to uid ${stat.uid}, and this is uid ${uid}. Start as that user (as root, if root had ` +
      `started it), take the folder over with sudo chown -R ${uid} '${folder}', or choose another.`;
    throw new EmbeddedPostgresError("data_owner", message);
  }
  if (runAs) chownSync(folder, runAs.uid, runAs.gid);
  chmodSync(folder, 0o700);
}

/**
 * In the data folder; where that makes the socket's path too long, a short one that belongs to this data folder alone.
 * Anyone may create that name first, which is why makePrivate looks at its owner.
 */
function chooseRunFolder(path: string): string {
  const inside = join(path, "run");
  if (Buffer.byteLength(inside) <= RUN_PATH_BYTES_MAX) return inside;
  return join(Buffer.byteLength(tmpdir()) <= 50 ? tmpdir() : "/tmp", nameOf(path));
}

function nameOf(path: string): string {
  return `banyan-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
}
