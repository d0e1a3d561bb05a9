import { expect, test } from "vitest";
import { compare, median, percentile, table } from "../src/row.ts";

const row = { area: "http", row: "GET", peerName: "Fastify", unit: "us", reach: 0.95 };

test("a rate twice the peer's and a time half the peer's are both a ratio of two", () => {
  expect(compare({ ...row, ours: 200, peer: 100, better: "larger" }).ratio).toBe(2);
  expect(compare({ ...row, ours: 50, peer: 100, better: "smaller" }).ratio).toBe(2);
});

test("the median of an even number of values is the mean of the two in the middle", () => {
  expect(median([9, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 100])).toBe(3.5);
  expect(percentile([5, 1, 2, 3, 4], 0.99)).toBe(5);
});

test("the table marks a missed reach, and none where a peer is only printed beside", () => {
  const missed = compare({ ...row, ours: 90, peer: 100, better: "larger" });
  expect(table([missed])).toContain("MISSED");
  expect(table([{ ...missed, reach: 0.9 }])).toMatch(/ok$/);
  expect(table([{ ...missed, reach: 0 }])).toMatch(/x$/);
});
