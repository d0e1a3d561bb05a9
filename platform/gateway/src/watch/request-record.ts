import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import type { RequestDurations } from "./request-durations.ts";

/** The global is a lazy getter, which costs a third of a reading. */
const timer = globalThis.performance;

export interface Answer {
  /** "GET /v1/accounts/:account", as in the contract. */
  readonly route: string;
  readonly status: number;
  /** The fault's code. */
  readonly code?: string;
  /** What went wrong on our side. */
  readonly error?: unknown;
}

/**
 * Counts and logs each answer, one line: our errors as errors, refusals as information, all others only when debugging.
 * Headers, bodies and query strings are never logged, so that nothing in them has to be hidden.
 */
export class RequestRecord {
  private readonly durations: RequestDurations;
  private readonly log: Logger;
  /** Whether successes are logged: asked once, not per request. */
  private readonly isTelling: boolean;

  constructor(durations: RequestDurations, log: Logger) {
    this.durations = durations;
    this.log = log;
    this.isTelling = log.isLevelEnabled("debug");
  }

  answered({ arrival, method, url = "" }: IncomingMessage, { route, status, code, error }: Answer): void {
    const tookMs = timer.now() - arrival.at;
    this.durations.observe(route, status, tookMs);
    if (status < 400 && !this.isTelling) return;
    const level = status >= 500 ? "error" : status >= 400 && status !== 429 ? "info" : "debug";
    if (!this.log.isLevelEnabled(level)) return;
    const { traceId, identity } = arrival;
    const line = {
      traceId,
      method,
      route,
      path: url.split("?", 1)[0],
      status,
      code,
      tookMs: Math.round(tookMs * 1_000) / 1_000,
      subject: identity.subject,
      tenant: identity.tenant,
      err: error,
    };
    this.log[level](line, error === undefined ? "answered" : "failed");
  }
}
