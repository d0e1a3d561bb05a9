import { setTimeout as sleep } from "node:timers/promises";
import { type Acquired, type AcquireOptions, acquireServer } from "./acquire.ts";
import type { DataFolder } from "./data-folder.ts";
import { EmbeddedPostgresError } from "./error.ts";
import { rotateLog } from "./log-file.ts";
import { hasOwner } from "./ownership.ts";
import { isAlive, type Postmaster, readPostmaster } from "./postmaster.ts";

/**
 * The server died (`down`), is back at the same address (`up`), or cannot be started now (`refused`, told once between the
 * two): it is tried again until it can.
 */
export type Outage =
  | { readonly phase: "down"; readonly pid: number }
  | { readonly phase: "up"; readonly pid: number; readonly downMs: number }
  | { readonly phase: "refused"; readonly error: unknown };

export type Supervisor = { readonly server: Postmaster; stop(): Promise<"stopped" | "kept_by_another"> };

/** A signal 0 costs a microsecond; an adopted server is nobody's child, so there is no event to wait for. */
const WATCH_EVERY_MS = 200;
const ROTATE_EVERY_MS = 60_000;
/** What keeps a server from starting, a full disk above all, is put right by somebody who should not have to look for us. */
const RESTART_WAIT_MAX_MS = 5_000;
const RESTARTS_WINDOW_MS = 60_000;
/** The guard's own escalation ends after 24 s. */
const STOP_TIMEOUT_MS = 30_000;

/** Watches the server and restarts it, until stopped. Holds no event loop open. */
export function supervise(first: Acquired, options: AcquireOptions, onOutage: (outage: Outage) => void): Supervisor {
  let { server, ownership } = first;
  const stopping = new AbortController();
  const restarts: number[] = [];
  let restarting: Promise<void> | undefined;
  let stopped: Promise<"stopped" | "kept_by_another"> | undefined;

  const watch = setInterval(() => {
    if (restarting || isAlive(server.pid)) return;
    restarting = restart().finally(() => {
      restarting = undefined;
    });
  }, WATCH_EVERY_MS).unref();
  const rotate = setInterval(() => rotateLog(options.data.log), ROTATE_EVERY_MS).unref();

  async function restart(): Promise<void> {
    const downSince = performance.now();
    let refused = false;
    onOutage({ phase: "down", pid: server.pid });
    while (!stopping.signal.aborted) {
      try {
        await backOff(restarts, stopping.signal);
        const next = await acquireServer({ ...options, port: server.port, signal: stopping.signal });
        // The new claim first: between the two the guard would see no owner.
        ownership.release();
        ({ server, ownership } = next);
        onOutage({ phase: "up", pid: server.pid, downMs: Math.round(performance.now() - downSince) });
        return;
      } catch (error) {
        if (!stopping.signal.aborted && !refused) onOutage({ phase: "refused", error });
        refused = true;
      }
    }
  }

  async function stop(): Promise<"stopped" | "kept_by_another"> {
    clearInterval(watch);
    clearInterval(rotate);
    stopping.abort();
    await restarting;
    ownership.release();
    return untilDown(server, options.data);
  }

  return {
    get server() {
      return server;
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** 0, 0.1, 0.4, 0.9, 1.6, … 5 s: the longer, the more restarts there were lately. */
async function backOff(restarts: number[], signal: AbortSignal): Promise<void> {
  const now = Date.now();
  const recent = restarts.filter((time) => now - time < RESTARTS_WINDOW_MS);
  restarts.splice(0, restarts.length, ...recent, now);
  await sleep(Math.min(RESTART_WAIT_MAX_MS, 100 * recent.length ** 2), undefined, { signal });
}

async function untilDown(server: Postmaster, { cluster, run }: DataFolder): Promise<"stopped" | "kept_by_another"> {
  const since = Date.now();
  let owned = 0;
  while (Date.now() - since < STOP_TIMEOUT_MS) {
    const { pid } = readPostmaster(cluster) ?? server;
    if (!isAlive(pid)) return "stopped";
    // More than once, because a process that looks around holds the pipe for an instant.
    owned = hasOwner(run) ? owned + 1 : 0;
    if (owned === 3) return "kept_by_another";
    await sleep(10);
  }
  const message = `PostgreSQL, pid ${server.pid}, did not stop within ${STOP_TIMEOUT_MS / 1_000} s, though it was killed: is its disk stuck?`;
  throw new EmbeddedPostgresError("stop_timeout", message);
}
