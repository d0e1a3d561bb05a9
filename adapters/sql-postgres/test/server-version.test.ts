import { expect, test } from "vitest";
import { tooOld } from "../src/server-version.ts";

test("a server before PostgreSQL 15 is told to be too old, by its version and the one that is needed", () => {
  expect(tooOld(140_019)).toBe("it is PostgreSQL 14, and 15 or newer is needed");
  expect(tooOld(90_624)).toContain("PostgreSQL 9,");
  expect([tooOld(150_000), tooOld(180_001)]).toEqual([undefined, undefined]);
});
