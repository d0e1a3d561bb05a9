import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Binaries } from "./binaries.ts";
import type { DataFolder } from "./data-folder.ts";
import { EmbeddedPostgresError, explain } from "./error.ts";
import { publishFolder } from "./publish-folder.ts";
import { giveTo, type RunAs, spawnAs } from "./run-as.ts";

const run = promisify(execFile);

export const SUPERUSER = "banyan";
export const DATABASE = "banyan";

/** A C locale and no inherited settings: the same cluster, and English messages to judge failures by, everywhere. */
export const CHILD_ENV = { LC_ALL: "C", TZ: "UTC", PATH: "/usr/bin:/bin" };

/**
 * PostgreSQL's own C.UTF-8: the same order of text on every platform and after every upgrade of the system.
 * --no-sync because the copy in the data folder is what gets synced. No flag made initdb faster beyond noise
 * (fewer locales, checksums off, small buffers, 1 MB segments); its time goes into creating 900 files.
 */
const INITDB = [
  "--username=banyan",
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--no-locale",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--no-sync",
  // They slow down who guesses passwords. Ours is 24 random bytes, beyond guessing, and each of 4,096 is paid for at each connection.
  "-c",
  "scram_iterations=1",
];

/** Renaming takes 40 ms, CREATE DATABASE 100 and a third more to copy ever after. */
const SETUP = `ALTER DATABASE postgres RENAME TO ${DATABASE};\n`;

/**
 * Makes the cluster if there is none, by copying a template that initdb made once for this build of PostgreSQL.
 * Returns whether it was made just now. Everything is on disk before the cluster appears under its name.
 */
export async function prepareCluster(
  { cluster: folder, runAs }: DataFolder,
  binaries: Binaries,
  onProgress: (message: string) => void,
): Promise<boolean> {
  const made = await publishFolder(folder, async (draft) => {
    const template = await prepareTemplate(binaries, runAs, onProgress);
    await copyTree(template, draft);
    chmodSync(draft, 0o700);
    giveTo(runAs, draft);
    const sync = ["--sync-only", `--sync-method=${process.platform === "linux" ? "syncfs" : "fsync"}`, "-D", "."];
    await run(binaries.initdb, sync, { ...spawnAs(runAs), cwd: draft, env: CHILD_ENV });
  });
  checkVersion(folder, binaries.major);
  // A cluster that root copied here belongs to root, which PostgreSQL refuses.
  if (runAs && statSync(folder).uid !== runAs.uid) giveTo(runAs, folder);
  return made;
}

/**
 * The superuser's password: random per user of this machine, not per cluster, since it comes with the template.
 * It lies in a file of mode 0600 within folders of mode 0700, beside the data that it protects.
 */
export function readPassword(folder: string): string {
  return readFileSync(join(folder, "banyan-password"), "utf8").trim();
}

/** Answers where the template's cluster lies, made now where this build of PostgreSQL has none yet. */
export async function prepareTemplate(
  binaries: Binaries,
  runAs: RunAs | undefined,
  onProgress: (message: string) => void,
): Promise<string> {
  const key = createHash("sha256")
    .update(INITDB.join() + SETUP)
    .digest("hex")
    .slice(0, 8);
  const template = join(binaries.cacheFolder, `template-${key}`);
  await publishFolder(template, async (draft) => {
    onProgress("Preparing PostgreSQL for the first time on this machine");
    chmodSync(draft, 0o700);
    giveTo(runAs, draft);
    const options = { ...spawnAs(runAs), cwd: draft, env: CHILD_ENV };
    const passwordFile = join(draft, "password");
    writeFileSync(passwordFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
    giveTo(runAs, draft);
    const data = join(draft, "cluster");
    try {
      await run(binaries.initdb, [...INITDB, `--pwfile=${passwordFile}`, "-D", data], options);
      const setup = run(binaries.postgres, ["--single", "-D", data, "-c", "fsync=off", "template1"], options);
      setup.child.stdin?.end(SETUP);
      await setup;
    } catch (error) {
      throw explain("Preparing a PostgreSQL data folder", error, String((error as { stderr?: string }).stderr ?? ""));
    }
    renameSync(passwordFile, join(data, "banyan-password"));
    // Root takes the template's door back: another program of the server's uid must not change what is copied.
    if (runAs) chownSync(draft, 0, 0);
  });
  return join(template, "cluster");
}

/**
 * The system's `cp` clones where the file system can, and leaves this process free meanwhile.
 * `fs.cp` takes 1.3 s for these 970 files, `fs.cpSync` as long as `cp` but blocking.
 */
async function copyTree(from: string, to: string): Promise<void> {
  const clone = process.platform === "darwin" ? ["-c"] : [];
  try {
    await run("cp", ["-R", ...clone, `${from}/.`, to], { env: CHILD_ENV });
  } catch (error) {
    throw explain("Copying the PostgreSQL template", error, String((error as { stderr?: string }).stderr ?? ""));
  }
}

function checkVersion(folder: string, major: string): void {
  const versionFile = join(folder, "PG_VERSION");
  const found = existsSync(versionFile) ? readFileSync(versionFile, "utf8").trim() : "nothing known";
  if (found === major) return;
  throw new EmbeddedPostgresError(
    "data_version",
    `${folder} holds data of PostgreSQL ${found}, this is PostgreSQL ${major}, and neither reads the other's files. ` +
      `Dump it with the tools of ${found} (pg_dumpall) and load the dump here, or move the folder away to start empty.`,
  );
}
