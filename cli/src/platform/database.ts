import { relative } from "node:path";
import { CommandFailure } from "../failure.ts";
import type { Steps } from "../output/steps.ts";
import { duration, note } from "../output/terminal.ts";
import type { Openings } from "../process/openings.ts";
import type { DataFolder } from "../project/data-folder.ts";
import type { Environment } from "../project/environment.ts";

interface Surroundings {
  readonly environment: Environment;
  readonly folder: DataFolder;
  readonly steps: Steps;
  readonly openings: Openings;
  readonly signal: AbortSignal;
}

export interface Database {
  /** The fastest way. */
  readonly url: string;
  /** By TCP, for people and their programs. */
  readonly publicUrl: string;
}

/** The database: the environment's, or the embedded server, which runs from now on. */
export async function openDatabase(surroundings: Surroundings): Promise<Database> {
  const { environment, folder, steps, openings, signal } = surroundings;
  const { DATABASE_URL } = environment;
  if (DATABASE_URL !== undefined) {
    const { host, pathname } = new URL(DATABASE_URL);
    steps.done.push({ name: "postgres", detail: `${host}${pathname} (DATABASE_URL)`, tookMs: 0 });
    return { url: DATABASE_URL, publicUrl: DATABASE_URL };
  }
  const { startEmbeddedPostgres } = await import("@banyan/embedded-postgres");
  const open = () =>
    startEmbeddedPostgres({
      dataFolder: folder.postgres,
      signal,
      onProgress: note,
      onOutage: (outage) => {
        if (outage.phase === "down") note("The database server died; starting it again.");
        else if (outage.phase === "up") note(`The database server is back after ${duration(outage.downMs)}.`);
        else
          note(`The database server cannot start, and is tried again until it can. ${(outage.error as Error).message}`);
      },
    }).catch((cause: Error) => {
      // A stop has words of its own.
      if (cause instanceof CommandFailure) throw cause;
      throw new CommandFailure(cause.message, "`npx banyan doctor` checks this machine.", { cause });
    });
  const server = await steps.run("postgres", open, ({ adopted, created, pid }) => {
    const how = adopted ? "already running" : created ? "new" : "started";
    return `embedded, ${how}, pid ${pid}, data in ${relative(process.cwd(), folder.postgres) || "."}`;
  });
  openings.defer("postgres", () => server.stop());
  return { url: server.socketUrl, publicUrl: server.url };
}
