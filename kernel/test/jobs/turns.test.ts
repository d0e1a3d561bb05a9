import { expect, test } from "vitest";
import { turnsOf } from "../../src/jobs/turns.ts";

const at = (text: string) => new Date(text).getTime();

/** The next turns after an instant. */
function following(schedule: Parameters<typeof turnsOf>[0], from: string, count: number): string[] {
  const turns = turnsOf(schedule);
  const found: string[] = [];
  for (let after = at(from); found.length < count; after = at(found.at(-1) as string)) {
    found.push(new Date(turns.next(after) as number).toISOString());
  }
  return found;
}

const latest = (schedule: Parameters<typeof turnsOf>[0], when: string) =>
  new Date(turnsOf(schedule).latest(at(when)) as number).toISOString();

test("a cron schedule counts in its time zone, UTC where it names none", () => {
  expect(following({ cron: "0 3 * * *" }, "2026-01-31T12:00:00Z", 2)).toEqual([
    "2026-02-01T03:00:00.000Z",
    "2026-02-02T03:00:00.000Z",
  ]);
  expect(following({ cron: "0 3 * * *", timeZone: "Asia/Tokyo" }, "2026-01-31T12:00:00Z", 1)).toEqual([
    "2026-01-31T18:00:00.000Z",
  ]);
});

test("a time that a change of clocks skips comes with the first that is not, and is found by a process that starts later", () => {
  const night = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
  expect(following(night, "2026-03-28T00:00:00Z", 3)).toEqual([
    "2026-03-28T01:30:00.000Z",
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
  expect(latest(night, "2026-03-29T09:00:00Z")).toBe("2026-03-29T01:00:00.000Z");
});

test("a time that a change of clocks brings twice counts once, and what recurs within the day goes on", () => {
  const night = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
  expect(following(night, "2026-10-24T12:00:00Z", 2)).toEqual(["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
  expect(latest(night, "2026-10-25T09:00:00Z")).toBe("2026-10-25T00:30:00.000Z");
  const often = { cron: "*/30 * * * *", timeZone: "Europe/Berlin" };
  expect(following(often, "2026-10-25T00:00:00Z", 4)).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-25T01:00:00.000Z",
    "2026-10-25T01:30:00.000Z",
    "2026-10-25T02:00:00.000Z",
  ]);
});

test("the latest turn is one that has come, the moment itself included", () => {
  const daily = { cron: "0 3 * * *" };
  expect(latest(daily, "2026-02-01T03:00:00.000Z")).toBe("2026-02-01T03:00:00.000Z");
  expect(latest(daily, "2026-02-01T02:59:59.999Z")).toBe("2026-01-31T03:00:00.000Z");
  expect(latest({ everyMs: 250 }, "2026-02-01T03:00:00.300Z")).toBe("2026-02-01T03:00:00.250Z");
  expect(following({ everyMs: 250 }, "2026-02-01T03:00:00.250Z", 1)).toEqual(["2026-02-01T03:00:00.500Z"]);
});

test("a schedule that cannot be kept is refused", () => {
  for (const cron of ["0 3 * *", "61 * * * *", "* * * * * *", "0 3 31 2 *", "whenever"])
    expect(() => turnsOf({ cron }), cron).toThrow();
  expect(() => turnsOf({ cron: "0 3 * * *", timeZone: "Europe/Nowhere" })).toThrow(/Nowhere/);
  expect(() => turnsOf({ everyMs: 0 })).toThrow(/from 1/);
});
