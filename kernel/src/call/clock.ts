/** Where the kernel reads time. Tests and simulations hand in one that they turn. */
export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some start; never goes back. Deadlines are measured by it. */
  monotonic(): number;
}

/** The global is a lazy getter, which costs a third of a reading. */
const timer = globalThis.performance;

/** The time of this machine. */
export const systemClock: Clock = { now: Date.now, monotonic: () => timer.now() };
