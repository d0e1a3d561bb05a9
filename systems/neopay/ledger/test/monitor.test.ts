import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crossingsOf, type Threshold } from "../src/monitor/crossing.ts";
import { Books } from "../src/transaction/books.ts";
import { newTransaction } from "../src/transaction/transaction.ts";
import { accountRow } from "./account-row.ts";

const direction = fc.constantFrom("below" as const, "above" as const);
const minor = fc.integer({ min: -20, max: 20 });
const threshold = (direction: Threshold["direction"], thresholdMinor: number, monitorId = "m"): Threshold => ({
  monitorId,
  reference: monitorId,
  direction,
  thresholdMinor,
});

describe("a monitor", () => {
  test("is crossed whenever the balance goes beyond its threshold, and again only after it has come back", () => {
    fc.assert(
      fc.property(direction, minor, fc.array(minor, { minLength: 1 }), (direction, thresholdMinor, balances) => {
        const watched = accountRow("a", { monitors: [threshold(direction, thresholdMinor)] });
        const sign = direction === "below" ? -1 : 1;
        let [before = 0] = balances;
        let isArmed = (before - thresholdMinor) * sign <= 0;
        for (const balance of balances) {
          const isPast = (balance - thresholdMinor) * sign > 0;
          expect(crossingsOf(watched, before, balance)).toHaveLength(isPast && isArmed ? 1 : 0);
          isArmed = !isPast;
          before = balance;
        }
      }),
    );
  });

  test.each<{ direction: Threshold["direction"]; from: number; to: number; told: number }>([
    { direction: "below", from: 100, to: 99, told: 1 },
    { direction: "below", from: 101, to: 100, told: 0 },
    { direction: "below", from: 99, to: 98, told: 0 },
    { direction: "above", from: 100, to: 101, told: 1 },
    { direction: "above", from: 99, to: 100, told: 0 },
    { direction: "above", from: 101, to: 102, told: 0 },
    { direction: "below", from: 2 ** 53 - 1, to: -(2 ** 53) + 1, told: 1 },
  ])("$direction 100, from $from to $to: told $told times", ({ direction, from, to, told }) => {
    const watched = accountRow("a", { monitors: [threshold(direction, 100)] });
    const crossing = { ...threshold(direction, 100), account: "a", currency: "CZK" };
    const crossings = Array(told).fill({ ...crossing, balanceBeforeMinor: from, balanceAfterMinor: to });
    expect(crossingsOf(watched, from, to)).toEqual(crossings);
  });

  test("sees a transaction whole: what its legs do to each other is not told, and their sum is told once", () => {
    const [a, b] = [accountRow("a", { credits_minor: 50, monitors: [threshold("below", 40)] }), accountRow("b")];
    const books = new Books([a, b], new Map());
    const leg = (source: string, destination: string, amountMinor: number) => {
      return { source, destination, amountMinor, currency: "CZK" };
    };
    const enter = (reference: string, ...postings: ReturnType<typeof leg>[]) =>
      books.enter(newTransaction(reference, { reference, postings, metadata: {} }), 1);
    expect(enter("dip", leg("a", "b", 30), leg("b", "a", 25))).toMatchObject({ kind: "posted", crossings: [] });
    const told = { monitorId: "m", account: "a", balanceBeforeMinor: 45, balanceAfterMinor: 35 };
    expect(enter("steps", leg("a", "b", 3), leg("a", "b", 7))).toMatchObject({ crossings: [told] });
    expect(enter("further", leg("a", "b", 10))).toMatchObject({ crossings: [] });
    expect(enter("refused", leg("a", "a", 10))).toEqual({ kind: "selfTransfer", account: "a" });
  });

  test("is told in the order in which monitors were set, each for itself", () => {
    const monitors = [threshold("above", 5, "1"), threshold("below", 0, "2"), threshold("above", -5, "3")];
    const told = crossingsOf(accountRow("a", { monitors }), -10, 10).map(({ monitorId }) => monitorId);
    expect(told).toEqual(["1", "3"]);
  });
});
