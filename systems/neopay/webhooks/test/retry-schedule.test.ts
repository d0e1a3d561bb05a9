import { expect, test } from "vitest";
import { failingMaxMs, waitBefore } from "../src/delivery/retry-schedule.ts";

const hour = 3_600_000;

test("ten attempts within three days and a half, each later than the one before", () => {
  const waits = Array.from({ length: 10 }, (_, step) => waitBefore(step, 0, null) ?? Number.NaN);
  expect(waits.slice(0, 3)).toEqual([0, 5_000, 300_000]);
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  expect(total).toBeGreaterThan(failingMaxMs);
  expect(total).toBeLessThan(84 * hour);
  expect(waitBefore(10, 0, null)).toBeNull();
});

test("chance adds a tenth at most, and a receiver's wish a day at most", () => {
  expect(waitBefore(1, 1, null)).toBe(5_500);
  expect(waitBefore(1, 0, 60_000)).toBe(60_000);
  expect(waitBefore(4, 0, 1)).toBe(2 * hour);
  expect(waitBefore(1, 0, 999 * hour)).toBe(24 * hour);
});
