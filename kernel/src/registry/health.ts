import type { NodeState } from "../call/inspector.ts";
import { beatMs, dampedMsMax, inUseMs, missesMax, pauseMsMax, steadyMs } from "./timing.ts";

/** Doubles with each fall after the first, which is forgiven. */
const dampedMsFirst = 500;

/*
 * How one node is, as its frames tell. Inputs: use, beats (each 250 ms, with when it was last heard), lost, left.
 *
 * "damped" is heard again, but fell too often of late: it is chosen where no other is up. The others are what they say.
 *
 * H1  A node in use is pinged at each beat; one that is not costs nothing.
 * H2  Three beats without any frame make it suspect: within 1 s of its last one.
 * H3  A frame brings it back: at once the first time, then after a wait that doubles with each fall within `steadyMs`, so that one
 *     that comes and goes is chosen ever more rarely.
 * H4  One that is away is pinged ever more rarely, so that its return is heard.
 * H5  A beat that is late counts no miss: it was this process that stood still.
 * H6  Nothing follows "left".
 */
export class Health {
  state: NodeState = "up";
  /** When it entered that state. */
  since: number;
  private useBeats = 0;
  private misses = 0;
  private falls = 0;
  private pinged = false;
  private heardAt = -1;
  /** Of the next ping while it is away, or of its return while it is damped. */
  private nextAt = 0;
  private pauseMs = beatMs;

  constructor(now: number) {
    this.since = now;
  }

  /** A call goes there. */
  use(): void {
    this.useBeats = inUseMs / beatMs;
  }

  get isAway(): boolean {
    return this.state === "suspect" || this.state === "lost";
  }

  /** Whether to ping it now. `heardAt` is when its last frame came; `late` that the beat is. */
  beat(now: number, heardAt: number, late: boolean): boolean {
    const heard = heardAt > this.heardAt;
    this.heardAt = heardAt;
    if (this.state === "left") return false;
    if (this.isAway) return this.beatAway(now, heard);
    if (this.state === "damped" && now >= this.nextAt) this.enter("up", now);
    if (heard || late || !this.pinged) this.misses = 0;
    else if (++this.misses >= missesMax) {
      this.fall("suspect", now);
      return true;
    }
    this.pinged = this.state === "damped" || this.useBeats > 0;
    if (this.useBeats > 0) this.useBeats--;
    return this.pinged;
  }

  /** H4. */
  private beatAway(now: number, heard: boolean): boolean {
    if (heard) this.rise(now);
    if (now < this.nextAt) return false;
    this.nextAt = now + this.pauseMs;
    this.pauseMs = Math.min(pauseMsMax, this.pauseMs * 2);
    return this.isAway;
  }

  lost(now: number): void {
    if (this.state === "left") return;
    if (this.isAway) this.state = "lost";
    else this.fall("lost", now);
  }

  left(now: number): void {
    this.enter("left", now);
  }

  /** H3. */
  rise(now: number): void {
    if (!this.isAway) return;
    const waitMs = this.falls <= 1 ? 0 : Math.min(dampedMsMax, dampedMsFirst * 2 ** (this.falls - 2));
    this.enter(waitMs === 0 ? "up" : "damped", now);
    this.nextAt = now + waitMs;
  }

  private fall(state: "suspect" | "lost", now: number): void {
    const wasSteady = this.state === "up" && now - this.since >= steadyMs;
    this.falls = wasSteady ? 1 : this.falls + 1;
    this.enter(state, now);
    this.pauseMs = beatMs;
    this.nextAt = now + beatMs;
  }

  private enter(state: NodeState, now: number): void {
    this.state = state;
    this.since = now;
    this.misses = 0;
    this.pinged = false;
  }
}
