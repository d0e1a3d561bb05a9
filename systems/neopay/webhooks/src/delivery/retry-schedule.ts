const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Before each attempt of a delivery: the example schedule of Standard Webhooks 1.0, three days in all. */
const waits = [0, 5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
const longestWait = 24 * hour;

/** An endpoint without one success for so long is disabled: the whole schedule was tried, and the next would end as it did. */
export const failingMaxMs = 3 * 24 * hour;

/**
 * How long to wait before attempt `step` (0 is the first); null where there is none. Up to a tenth longer, by `chance` in
 * 0 … 1, so that what failed together does not come back together. The receiver may ask for more time, of a day at most.
 */
export function waitBefore(step: number, chance: number, askedMs: number | null): number | null {
  const wait = waits[step];
  if (wait === undefined) return null;
  return Math.max(Math.round(wait * (1 + chance / 10)), Math.min(askedMs ?? 0, longestWait));
}
