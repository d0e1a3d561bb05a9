import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Where Linux distributions, Homebrew and Postgres.app keep versions side by side; each holds folders with `bin` inside. */
const versionFolders = [
  "/usr/lib/postgresql",
  "/opt/homebrew/opt",
  "/usr/local/opt",
  "/Applications/Postgres.app/Contents/Versions",
];

/** What to do on a machine without pgbench; the embedded Postgres does not bring it. */
export const pgbenchMissing =
  "pgbench is not installed, and nothing else is the yardstick. Debian: apt-get install postgresql-contrib postgresql-client; macOS: brew install postgresql";

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

/** TPC-B-like runs of pgbench on one server; `init` fills its tables at scale 10. */
export function pgbenchOn(pgbench: string, url: string, signal: AbortSignal) {
  return {
    init: () => run(["-i", "-q", "-s", "10"]),
    /** Transactions per second with prepared statements, connecting apart. pgbench counts in whole seconds. */
    async rate(clients: number, durationMs: number): Promise<number> {
      const threads = Math.min(clients, availableParallelism());
      const seconds = Math.max(1, Math.round(durationMs / 1_000));
      const output = await run(["-n", "-M", "prepared", "-c", `${clients}`, "-j", `${threads}`, "-T", `${seconds}`]);
      const [, tps] = /tps = ([\d.]+)/.exec(output) ?? [];
      if (tps === undefined) throw new Error(`pgbench printed no rate:\n${output}`);
      return Number(tps);
    },
  };

  async function run(args: string[]): Promise<string> {
    const child = spawn(pgbench, [...args, url], { stdio: ["ignore", "pipe", "pipe"], signal });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
    if (code !== 0) throw new Error(`pgbench ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }
}
