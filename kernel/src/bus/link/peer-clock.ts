import type { Clock } from "../../call/clock.ts";

/** A bound loosens by 0.2 ms a second: clocks of two machines drift apart, those in use by less (RFC 5905 assumes 15 ppm). */
const driftPerMs = 200e-6;

/** Budgets cross as 32 bits of milliseconds; what is longer is cut to a day. */
const budgetMsMax = 86_400_000;

/**
 * How far a peer's monotonic clock is behind ours, as a lower bound: from "I sent at x, you answered at your y", our clock showed x
 * or more when yours showed y. However long either side stood still between, the bound holds, so a deadline that is moved over
 * by it is never later than the caller's: a node that was stopped and goes on sees no fresh budgets in old frames (a remaining
 * time would show them). The price is the one-way delay, in which the answer would have come too late anyway.
 */
export class PeerClock {
  private readonly clock: Clock;
  private behindMs = Number.NEGATIVE_INFINITY;
  private learntAt = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get isKnown(): boolean {
    return this.behindMs !== Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds: when we asked by our clock, what the peer's clock showed when it answered. */
  learn(askedAt: number, theirs: number): void {
    const now = this.clock.monotonic();
    // A clock that stood still, as a suspended machine's does, shows in a bound that cannot be true any more.
    const isImpossible = this.behindMs > now - theirs;
    const loosened = isImpossible ? Number.NEGATIVE_INFINITY : this.loosened(now);
    this.behindMs = Math.max(askedAt - theirs, loosened);
    this.learntAt = now;
  }

  /** What is left until a deadline on the peer's clock, in milliseconds, 0 or less when it has passed. */
  remainingMs(deadline: number, now: number): number {
    const theirsAtMost = now - this.loosened(now);
    return (deadline - Math.ceil(theirsAtMost)) | 0;
  }

  private loosened(now: number): number {
    return this.behindMs - (now - this.learntAt) * driftPerMs;
  }
}

/** A deadline on our monotonic clock as it crosses: modulo 2^32 ms, at most a day ahead. */
export function sentDeadline({ deadline, budgetMs }: { readonly deadline: number; readonly budgetMs: number }): number {
  return Math.floor(budgetMs <= budgetMsMax ? deadline : deadline - budgetMs + budgetMsMax) >>> 0;
}
