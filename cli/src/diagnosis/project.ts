import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { HealthCheck } from "@banyan/kernel/app";
import { ask } from "../control/client.ts";
import { freePort } from "../process/free-port.ts";
import type { LoadedConfig } from "../project/config.ts";
import type { Project } from "../project/project.ts";
import { type Finding, good, wrong } from "./finding.ts";
import { gigabytes } from "./machine.ts";

/** A new cluster takes 40 MB, its write-ahead log up to 1 GB. */
const diskBytesMin = 2 * 1024 ** 3;
const budgetMs = 5_000;
const skewMaxMs = 5_000;

/** Whether this user may write the data folder, or create it. */
export function dataFolder({ folder: { path } }: Project): Finding {
  const existing = nearestExisting(path);
  const uid = process.getuid?.();
  const owner = statSync(existing).uid;
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch {
    return wrong(
      "data folder",
      `${existing} cannot be written by uid ${uid}; it belongs to uid ${owner}`,
      `sudo chown -R ${uid} '${existing}', or set BANYAN_DATA to another folder.`,
    );
  }
  return good("data folder", existing === path ? path : `${path} (will be created)`);
}

export function diskSpace({ folder: { path } }: Project): Finding {
  const { bavail, bsize } = statfsSync(nearestExisting(path));
  const detail = `${gigabytes(bavail * bsize)} free`;
  return bavail * bsize >= diskBytesMin
    ? good("disk", detail)
    : wrong("disk", detail, "Free some space: at least 2 GB should be.");
}

export async function port({ server, environment: { PORT, HOST } }: Project, config: LoadedConfig): Promise<Finding> {
  if (server !== undefined) return good("port", `the server answers at ${server.url}`);
  const asked = PORT ?? config.port;
  try {
    const free = await freePort(asked, HOST ?? config.host);
    return good("port", free === asked ? `${asked} is free` : `${asked} is taken; a start would use ${free}`);
  } catch (error) {
    return wrong("port", (error as Error).message, "Set PORT to a free port.");
  }
}

/** Asks the running server, or the database of the environment. The embedded one is there when a server runs. */
export async function database({ server, environment: { DATABASE_URL } }: Project): Promise<readonly Finding[]> {
  if (server !== undefined) {
    const checks = (await ask(server.socket, { do: "health" })) as readonly HealthCheck[];
    return checks.map(({ name, ok, detail }) =>
      ok ? good(name, detail) : wrong(name, detail, "See the server's output; restart it if this stays."),
    );
  }
  if (DATABASE_URL === undefined) return [good("database", "embedded; not running, `banyan start` starts it")];
  const { createPostgresStore, tooOld } = await import("@banyan/sql-postgres");
  const store = createPostgresStore({ url: DATABASE_URL });
  const signal = AbortSignal.timeout(budgetMs);
  const budget = { remainingMs: () => budgetMs, signal };
  const where = new URL(DATABASE_URL).host;
  try {
    const [row] = await store.read(budget)<{ at: Date; version: number }>`
      SELECT clock_timestamp() AS at, current_setting('server_version_num')::int AS version`;
    const reason = tooOld(row?.version ?? 0);
    if (reason !== undefined)
      return [wrong("database", `${where} answers: ${reason}`, "Update that server, or leave out DATABASE_URL.")];
    const skewMs = Math.abs(Date.now() - (row?.at.getTime() ?? 0));
    const detail = `${where} answers, its clock is ${skewMs} ms from ours`;
    return [
      skewMs <= skewMaxMs ? good("database", detail) : wrong("database", detail, "Synchronise both clocks (NTP)."),
    ];
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
    return [
      wrong(
        "database",
        `${where}: ${(error as Error).message}${cause}`,
        "Check DATABASE_URL, that the server runs, and its pg_hba.conf.",
      ),
    ];
  } finally {
    await store.stop(budget);
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}
