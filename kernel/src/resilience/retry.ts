import { isFault } from "../contract/fault.ts";
import type { RetryPolicy } from "../contract/remote-policy.ts";

const pauseMsMax = 1_000;
/** So many retries a seldom called action may make at once: what is under way at one node when it dies. Comes back by 10 a second. */
const tokensMin = 100;
const tokensPerMs = 0.01;
/** So many a busy one that was well for long: all that a bulkhead lets be under way at a node that falls silent, and as many again. */
const tokensMax = 2_000;

/**
 * Retries that an action may still make: each call adds `policy.budget` of one, and time adds up to `tokensMin`, so
 * that an outage does not multiply the load that caused it (Google SRE Book, ch. 21; Finagle's RetryBudget).
 */
export class RetryBudget {
  private readonly perCall: number;
  private tokens = tokensMin;
  private refilledAt = 0;

  constructor(policy: Required<RetryPolicy>) {
    this.perCall = policy.budget;
  }

  earn(): void {
    if (this.tokens < tokensMax) this.tokens += this.perCall;
  }

  /** Whether one more retry is within the budget; takes it where it is. */
  spend(now: number): boolean {
    if (this.tokens < tokensMin) this.tokens = Math.min(tokensMin, this.tokens + (now - this.refilledAt) * tokensPerMs);
    this.refilledAt = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}

/**
 * Whether running the call again is safe and may help. A fault that the action declares is its answer. "yes" says that
 * nothing was done; "unknown" that it may have been, so only what is `idempotent` goes again; a bug stays one.
 */
export function isWorthRetry(error: unknown, declared: ReadonlySet<string>, idempotent: boolean): boolean {
  if (!isFault(error) || declared.has(error.code) || error.kind === "internal") return false;
  return error.retry === "yes" || (error.retry === "unknown" && idempotent);
}

/**
 * What an error says of the node for this action: "ill", "well", or nothing. A way that broke says nothing: the registry knows, and
 * one break fails all calls under way at once. Neither does a caller who gave up, nor a callee that is only busy or leaving.
 */
export function healthBy(error: unknown, declared: ReadonlySet<string>): "ill" | "well" | null {
  if (!isFault(error) || declared.has(error.code)) return "well";
  const { code, kind } = error;
  if (code.startsWith("bus.") || code === "kernel.cancelled" || code === "kernel.notRunning") return null;
  if (kind === "exhausted") return null;
  return kind === "unavailable" || kind === "deadline" || kind === "internal" ? "ill" : "well";
}

/** Full jitter: random below an exponential (AWS Architecture Blog, 2015). `attempt` is 1 after the first run; `chance` is random, 0 to 1. */
export function pauseMs(policy: Required<RetryPolicy>, attempt: number, chance: number): number {
  return chance * Math.min(pauseMsMax, policy.pauseMs * 2 ** (attempt - 1));
}
