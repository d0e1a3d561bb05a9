import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Binaries } from "./binaries.ts";
import type { DataFolder } from "./data-folder.ts";
import { EmbeddedPostgresError, explain } from "./error.ts";
import { type GuardedServer, startGuarded } from "./guard.ts";
import { readLogSince } from "./log-file.ts";
import { claimFirst, claimGuarded, createPipe, type Ownership } from "./ownership.ts";
import { endLeftBehind, identify, type Postmaster, readPostmaster, removeStale } from "./postmaster.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

export type Acquired = { readonly server: Postmaster; readonly ownership: Ownership; readonly adopted: boolean };

export type AcquireOptions = {
  readonly data: DataFolder;
  readonly binaries: Binaries;
  readonly settings: Readonly<Record<string, string>>;
  /** The port clients already know; any free one when undefined. */
  readonly port?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
};

/** Crash recovery after a long import takes its time; beyond this something is wrong. */
const ACQUIRE_TIMEOUT_MS = 120_000;
const POLL_MS = 10;
/** A guard that shuts its server down shows within milliseconds; a server without one for this long has lost it. */
const UNGUARDED_PATIENCE_MS = 3_000;
/** Sessions that wait for something notice their postmaster's death within milliseconds. */
const LEFT_BEHIND_PATIENCE_MS = 500;
const FIRST_PORT = 55_000;
const PORTS = 1_000;

/**
 * Owns the one server of a data folder: adopts a live one, waits for one that is coming or going, starts one
 * where there is none. Any number of processes may call it at once; PostgreSQL's own lock on the cluster
 * decides who starts, and everyone else adopts.
 */
export async function acquireServer(options: AcquireOptions): Promise<Acquired> {
  const { data, signal, onProgress } = options;
  const since = Date.now();
  let refusal = "";
  let said = false;
  await createPipe(data.run);
  while (Date.now() - since < ACQUIRE_TIMEOUT_MS) {
    signal.throwIfAborted();
    const found = lookAround(data);
    if (found.is === "nothing") {
      const started = await startServer(options);
      if (typeof started !== "string") return started;
      refusal = started;
      if (HELD.test(refusal) && Date.now() - since > LEFT_BEHIND_PATIENCE_MS) endLeftBehind(data.clusterName);
      const deserted = EMPTY.test(refusal) && !isGuarded(data);
      if (deserted && Date.now() - since > UNGUARDED_PATIENCE_MS) removeStale(data.cluster, undefined);
      await sleep(100);
    } else {
      const adopted = await adoptServer(data);
      if (adopted) return adopted;
      const lost = found.is === "unguarded" && found.server.status !== "stopping";
      if (lost && Date.now() - since > UNGUARDED_PATIENCE_MS) takeOver(found.server, data);
      await sleep(POLL_MS);
    }
    if (!said && Date.now() - since > 300) {
      said = true;
      onProgress("Waiting for the previous PostgreSQL of this data folder to finish");
    }
  }
  const message = `PostgreSQL in ${data.path} did not get ready within ${ACQUIRE_TIMEOUT_MS / 1_000} s; its log is ${data.log}. ${refusal}`;
  throw new EmbeddedPostgresError("start_timeout", message);
}

type Found = { is: "nothing" } | { is: "guarded" | "unguarded"; server: Postmaster };

function lookAround(data: DataFolder): Found {
  const server = readPostmaster(data.cluster);
  if (!server) return { is: "nothing" };
  // First of all, because the pid of a server in another container on the same volume means nothing here.
  if (isGuarded(data)) return { is: "guarded", server };
  const owner = identify(server.pid, data.clusterName);
  if (owner === "ours" || owner === "another_postgres") return { is: "unguarded", server };
  // PostgreSQL itself would take any process of the same user for the server, a zombie included.
  removeStale(data.cluster, server.pid);
  return { is: "nothing" };
}

/** A server whose guard was killed lives on without an owner: it makes room for one that has a guard. */
function takeOver(server: Postmaster, data: DataFolder): void {
  if (identify(server.pid, data.clusterName) === "ours") {
    process.kill(server.pid, "SIGINT");
    return;
  }
  const message =
    `${data.cluster} is open in a PostgreSQL that was started by other means, pid ${server.pid}: stop it (kill -INT ${server.pid}). ` +
    "If that one serves another folder, delete postmaster.pid here.";
  throw new EmbeddedPostgresError("start_failed", message);
}

function isGuarded(data: DataFolder): boolean {
  const ownership = claimGuarded(data.run);
  ownership?.release();
  return ownership !== undefined;
}

async function adoptServer(data: DataFolder): Promise<Acquired | undefined> {
  const ownership = claimGuarded(data.run);
  if (!ownership) return undefined;
  // The guard may have read end-of-file just before; if so it is gone in a moment.
  await sleep(20);
  const server = readPostmaster(data.cluster);
  if (server?.status === "ready" && identify(server.pid, data.clusterName) === "ours" && isGuarded(data))
    return { server, ownership, adopted: true };
  ownership.release();
  return undefined;
}

/** The refusals that pass: another process was faster, the last server's memory is not yet let go, the port went. */
const HELD = /pre-existing shared memory block/;
/** Another server has made the file and not yet written its pid, or died in between. */
const EMPTY = /lock file "postmaster.pid" is empty/;
const PASSING =
  /lock file .* (already exists|is empty)|pre-existing shared memory block|could not bind|could not create any TCP|is being used/;

async function startServer(options: AcquireOptions): Promise<Acquired | string> {
  const { data } = options;
  const port = options.port ?? (await findFreePort(data.path));
  const { ownership, readEnd } = claimFirst(data.run);
  const log = openSync(data.log, "a", 0o600);
  const logOffset = fstatSync(log).size;
  const settings = {
    ...DEFAULT_SETTINGS,
    ...options.settings,
    cluster_name: data.clusterName,
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: data.socketArgument,
  };
  const guarded = startGuarded(
    [
      options.binaries.postgres,
      "-D",
      data.clusterArgument,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    { readEnd, log, folder: data.cluster, runAs: data.runAs },
  );
  closeSync(log);
  closeSync(readEnd);
  try {
    const ready = await untilReady(options, guarded);
    if (ready) return { server: ready, ownership, adopted: false };
    const words = readLogSince(data.log, logOffset);
    ownership.release();
    if (PASSING.test(words)) return words;
    throw explain("Starting PostgreSQL", "the server refused to start", words);
  } catch (error) {
    ownership.release();
    throw error;
  }
}

/** Undefined when the server ended instead. */
async function untilReady(
  { data, signal, onProgress }: AcquireOptions,
  guarded: GuardedServer,
): Promise<Postmaster | undefined> {
  const pid = await guarded.pid;
  const ended = guarded.exited.then(() => "ended" as const);
  const since = Date.now();
  let said = false;
  while (Date.now() - since < ACQUIRE_TIMEOUT_MS) {
    signal.throwIfAborted();
    if (!said && Date.now() - since > 1_000) {
      said = true;
      onProgress("PostgreSQL recovers what an unclean end left behind");
    }
    const server = readPostmaster(data.cluster);
    if (server?.pid === pid && server.status === "ready") return server;
    if ((await Promise.race([ended, sleep(POLL_MS)])) === "ended") return undefined;
  }
  throw new EmbeddedPostgresError("start_timeout", `PostgreSQL did not get ready; its log is ${data.log}`);
}

/** The same port for the same folder each time, so that a saved address goes on working; the next free one otherwise. */
async function findFreePort(path: string): Promise<number> {
  const start = createHash("sha256").update(path).digest().readUInt16BE() % PORTS;
  for (let step = 0; step < PORTS; step++) {
    const port = FIRST_PORT + ((start + step) % PORTS);
    if (await isFree(port)) return port;
  }
  throw new EmbeddedPostgresError(
    "start_failed",
    `All ports from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} are taken.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
