import { type AcquireOptions, acquireServer } from "./acquire.ts";
import { prepareBinaries } from "./binaries.ts";
import { DATABASE, prepareCluster, prepareTemplate, readPassword, SUPERUSER } from "./cluster.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { explain } from "./error.ts";
import { rotateLog } from "./log-file.ts";
import { type Outage, supervise } from "./supervise.ts";

/** What to run, and whom to tell. */
export type EmbeddedPostgresOptions = {
  /** Made when absent. Holds the cluster, its log and (where the path is short enough) its socket. */
  readonly dataFolder: string;
  /** Keeps the binaries and the template, for all data folders of this user. Default ~/.cache/banyan; for root /var/cache/banyan. */
  readonly cacheFolder?: string;
  /** PostgreSQL settings over ours, such as `{ max_connections: "400" }`. Ignored when a live server is adopted. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gives the start up; what was started is stopped. Without effect afterwards. */
  readonly signal?: AbortSignal;
  /** One line for people, only where there is something to wait for. */
  readonly onProgress?: (message: string) => void;
  /** Each time the server dies, comes back, or refuses to. */
  readonly onOutage?: (outage: Outage) => void;
};

/** Milliseconds that each part of the start took. */
export type EmbeddedPostgresTimings = {
  readonly binariesMs: number;
  readonly clusterMs: number;
  readonly serverMs: number;
  readonly totalMs: number;
};

/** One owner's share of a running server. */
export type EmbeddedPostgres = {
  /** Through the unix socket: 1.3 times as fast as TCP. For `pg` and libpq. */
  readonly socketUrl: string;
  /** Through TCP on 127.0.0.1: for psql, a database browser, another container's tunnel. */
  readonly url: string;
  /** The postmaster's; another one after a restart. */
  readonly pid: number;
  /** True when another process had started the server. */
  readonly adopted: boolean;
  /** True when the data folder was empty. */
  readonly created: boolean;
  readonly timings: EmbeddedPostgresTimings;
  /**
   * Gives this process's share up and waits until the server is down (fast shutdown: sessions are ended, a checkpoint
   * is written; escalated after 20 s), or says that another process keeps it running. The same happens without a call
   * when the process ends in any way, `kill -9` included. Idempotent.
   */
  stop(): Promise<"stopped" | "kept_by_another">;
};

/**
 * Runs a real PostgreSQL 18 on `dataFolder` and keeps it running until its last owner stops or dies.
 *
 * On 2 cores: 60-80 ms on a folder that has data, 0.25 s on a new one, 1.05 s on a machine that has no template yet (the
 * best of several, others working beside): node test/owner-main.ts '{"dataFolder":"/tmp/a/data","cacheFolder":"/tmp/a/cache"}'
 *
 * The first start makes the cluster; two processes on one folder share one server; a server that dies is
 * restarted at the same address, at once or, when it dies again and again, every 5 s. The address needs the password that it contains,
 * by socket and by TCP. Throws EmbeddedPostgresError.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const signal = options.signal ?? new AbortController().signal;
  try {
    return await start(options, signal);
  } catch (error) {
    throw signal.aborted ? signal.reason : explain("Starting PostgreSQL", error);
  }
}

/**
 * Does ahead what the first start of this user on this machine would do, a second of it: unpacks the binaries, and makes the
 * template that data folders are copied from. The data folder is made, and stays empty. Throws EmbeddedPostgresError.
 */
export async function prepareEmbeddedPostgres(
  options: Pick<EmbeddedPostgresOptions, "dataFolder" | "cacheFolder" | "onProgress">,
): Promise<void> {
  try {
    const { runAs } = prepareDataFolder(options.dataFolder);
    const binaries = await prepareBinaries(options.cacheFolder, runAs);
    await prepareTemplate(binaries, runAs, options.onProgress ?? (() => {}));
  } catch (error) {
    throw explain("Preparing PostgreSQL", error);
  }
}

async function start(options: EmbeddedPostgresOptions, signal: AbortSignal): Promise<EmbeddedPostgres> {
  const onProgress = options.onProgress ?? (() => {});
  const clock = startClock();
  const data = prepareDataFolder(options.dataFolder);
  const binaries = await prepareBinaries(options.cacheFolder, data.runAs);
  const binariesMs = clock();
  const created = await prepareCluster(data, binaries, onProgress);
  const clusterMs = clock();
  rotateLog(data.log);
  const acquire: AcquireOptions = { data, binaries, settings: options.settings ?? {}, signal, onProgress };
  const first = await acquireServer(acquire);
  const serverMs = clock();

  const { port } = first.server;
  const user = `${SUPERUSER}:${readPassword(data.cluster)}`;
  const supervisor = supervise(first, acquire, options.onOutage ?? (() => {}));
  return {
    url: `postgres://${user}@127.0.0.1:${port}/${DATABASE}`,
    socketUrl: `postgres://${user}@localhost:${port}/${DATABASE}?host=${encodeURIComponent(data.run)}`,
    get pid() {
      return supervisor.server.pid;
    },
    adopted: first.adopted,
    created,
    timings: { binariesMs, clusterMs, serverMs, totalMs: binariesMs + clusterMs + serverMs },
    stop: () => supervisor.stop(),
  };
}

function startClock(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const took = Math.round(now - last);
    last = now;
    return took;
  };
}
