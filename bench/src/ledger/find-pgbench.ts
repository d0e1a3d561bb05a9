import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** Where Linux distributions, Homebrew and Postgres.app keep versions side by side; each holds folders with `bin` inside. */
const versionFolders = [
  "/usr/lib/postgresql",
  "/opt/homebrew/opt",
  "/usr/local/opt",
  "/Applications/Postgres.app/Contents/Versions",
];

/** What to do on a machine without pgbench; the embedded Postgres does not bring it. */
export const pgbenchMissing =
  "pgbench is not installed, so its rows are left out. Debian: apt-get install postgresql; macOS: brew install postgresql";

/** The path of pgbench on this machine, the newest of several; undefined where there is none. */
export function findPgbench(): string | undefined {
  const installed = versionFolders.flatMap((folder) => {
    try {
      const versions = readdirSync(folder).sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
      return versions.map((version) => `${folder}/${version}/bin/pgbench`);
    } catch {
      return [];
    }
  });
  return [...installed, "pgbench"].find((path) => spawnSync(path, ["--version"]).status === 0);
}
