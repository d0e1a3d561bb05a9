import { monitorEventLoopDelay } from "node:perf_hooks";
import type { App } from "@banyan/kernel/app";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** One line for a person. */
  readonly detail: string;
  /** Told, and not counted; see `App.health`. */
  readonly advisory?: boolean;
}

export interface ReadinessReport {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

export interface ReadinessLimits {
  /** 99th percentile of how late the event loop was lately. Default 500: half of a caller's patience. */
  readonly loopLagMsMax: number;
  /** Resident memory of the process in bytes; 0 does not look. Default 0: what is too much depends on the machine. */
  readonly residentBytesMax: number;
}

export const defaultReadinessLimits: ReadinessLimits = { loopLagMsMax: 500, residentBytesMax: 0 };

export interface Readiness {
  /**
   * Whether to send requests here: no while starting or draining, without the database, or overloaded. What is advisory does not
   * count: a service of another process that is away must not take every edge out of service for the rest.
   */
  report(): Promise<ReadinessReport>;
  close(): void;
}

/** How far back the event loop's lateness is looked at. A reset loses the sample under way, so it is not done at each look. */
const windowMs = 30_000;

/** Liveness is not readiness: a process that cannot reach its database must not be restarted for it. */
export function createReadiness(app: App, isDraining: () => boolean, limits: ReadinessLimits): Readiness {
  const lag = monitorEventLoopDelay({ resolution: 20 });
  lag.enable();
  let since = performance.now();
  return {
    async report() {
      const state = isDraining() ? "draining" : app.state;
      const checks: Check[] = [
        { name: "gateway", ok: state === "started", detail: state },
        ...(await app.health()),
        loopCheck(lag.percentile(99) / 1e6, limits.loopLagMsMax),
        memoryCheck(process.memoryUsage(), limits.residentBytesMax),
      ];
      if (performance.now() - since > windowMs) {
        lag.reset();
        since = performance.now();
      }
      return { ok: checks.every(({ ok, advisory }) => ok || advisory), checks };
    },
    close: () => lag.disable(),
  };
}

function loopCheck(measuredMs: number, lagMsMax: number): Check {
  // Nothing was measured yet where the percentile is not a number; the timer itself is 20 ms apart.
  const lagMs = Math.max(0, (Number.isFinite(measuredMs) ? measuredMs : 0) - 20);
  return {
    name: "event loop",
    ok: lagMs <= lagMsMax,
    detail: `late by ${lagMs.toFixed(0)} ms at most in 99 of 100 turns`,
  };
}

function memoryCheck({ rss, heapUsed }: NodeJS.MemoryUsage, residentBytesMax: number): Check {
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`;
  const ok = residentBytesMax === 0 || rss <= residentBytesMax;
  return { name: "memory", ok, detail: `${megabytes(rss)} resident, ${megabytes(heapUsed)} of it JavaScript in use` };
}
