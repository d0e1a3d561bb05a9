import type { BreakerPolicy } from "../contract/remote-policy.ts";

export type BreakerState = "closed" | "open" | "half-open";

const openMsMax = 30_000;

/*
 * Leaves one node alone for one action while it fails.
 *
 * K1  Closed: all pass. It opens when `failureShare` of at least `callsMin` calls failed since the first failure of the window; a
 *     window begins with a failure, so that success costs one addition and no clock.
 * K2  Open: none passes for `openMs`, doubled with each probe that failed.
 * K3  Half-open: one passes, the probe. Its success closes, its failure opens.
 */
export class Breaker {
  state: BreakerState = "closed";
  private readonly policy: Required<BreakerPolicy>;
  private readonly entered: (state: BreakerState) => void;
  private passed = 0;
  private failures = 0;
  private windowEndsAt = 0;
  private openMs: number;
  private probeAt = 0;

  constructor(policy: Required<BreakerPolicy>, entered: (state: BreakerState) => void) {
    this.policy = policy;
    this.entered = entered;
    this.openMs = policy.openMs;
  }

  succeeded(): void {
    this.passed++;
    if (this.state === "half-open") this.close();
  }

  failed(now: number): void {
    if (this.state === "half-open") {
      this.openMs = Math.min(openMsMax, this.openMs * 2);
      this.open(now);
      return;
    }
    if (now >= this.windowEndsAt) this.beginWindow(now);
    this.failures++;
    const calls = this.failures + this.passed;
    const { callsMin, failureShare } = this.policy;
    if (this.state === "closed" && calls >= callsMin && this.failures >= failureShare * calls) this.open(now);
  }

  /** K3. True once per probe: who gets it calls, and says what became of it. */
  mayProbe(now: number): boolean {
    if (this.state !== "open" || now < this.probeAt) return false;
    this.enter("half-open");
    return true;
  }

  /** The probe came to nothing that tells: its caller gave up, or the callee was only busy. Another may try. */
  probeEnded(now: number): void {
    if (this.state === "half-open") this.open(now);
  }

  /** When it takes a probe, on the clock of `failed`. */
  get opensAt(): number {
    return this.probeAt;
  }

  private beginWindow(now: number): void {
    this.windowEndsAt = now + this.policy.windowMs;
    this.passed = 0;
    this.failures = 0;
  }

  private open(now: number): void {
    this.probeAt = now + this.openMs;
    this.enter("open");
  }

  private close(): void {
    this.openMs = this.policy.openMs;
    this.windowEndsAt = 0;
    this.enter("closed");
  }

  private enter(state: BreakerState): void {
    this.state = state;
    this.entered(state);
  }
}
