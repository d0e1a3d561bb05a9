/** Where the kernel reads time. Tests and simulations hand in one that they turn. */
export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some start; never goes back. Deadlines are measured by it. */
  monotonic(): number;
}

export const systemClock: Clock = { now: Date.now, monotonic: () => performance.now() };
