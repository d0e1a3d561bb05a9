import { performance } from "node:perf_hooks";

const everyMs = 100;
/** Behind by so much, calls of 1 ms wait longer for their turn than they would for another node. */
const lagMsMax = 250;
/** Some calls are let through however far behind: they tell when it is over. */
const shedShareMax = 0.95;
/** Calls from other nodes that this process has at once; beyond it memory goes before time does. */
const inFlightMax = 10_000;

/**
 * How far this process is behind, and which part of the calls from others it refuses for it: none up to 250 ms of lag of the
 * event loop, all but 5 % at twice that, linear between. Refused calls cost little and are tried on another node.
 */
export class Shedder {
  /** Of the last turns, in milliseconds. */
  lagMs = 0;
  private timer: NodeJS.Timeout | null = null;
  private expectedAt = 0;
  private utilization = performance.eventLoopUtilization();
  private busy = 0;

  start(): void {
    this.expectedAt = performance.now() + everyMs;
    this.timer = setInterval(() => this.sample(performance.now()), everyMs).unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
  }

  /** Half of the average is the newest, so that one long garbage collection does not shed for long. */
  sample(now: number): void {
    const lateMs = Math.max(0, now - this.expectedAt);
    this.expectedAt = now + everyMs;
    this.lagMs = (this.lagMs + lateMs) / 2;
    const utilization = performance.eventLoopUtilization();
    this.busy = performance.eventLoopUtilization(utilization, this.utilization).utilization;
    this.utilization = utilization;
  }

  /** What other nodes balance by: the share of the last 100 ms in which the event loop was busy, 0 to 255. */
  get load(): number {
    return Math.round(255 * Math.min(1, this.busy));
  }

  /** Whether to refuse one more call; `chance` is random, between 0 and 1. */
  refuses(inFlight: number, chance: number): boolean {
    if (inFlight >= inFlightMax) return true;
    if (this.lagMs <= lagMsMax) return false;
    return chance < Math.min(shedShareMax, (this.lagMs - lagMsMax) / lagMsMax);
  }
}
