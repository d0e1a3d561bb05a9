import { createReadStream, existsSync } from "node:fs";
import { type BerkaRow, readBerka } from "@banyan/neopay-bank-files";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDayBalances } from "../src/day-balances.ts";

type Told = { id?: string; day?: string; account?: string; movedMinor: number; balanceMinor: number };

let rowCount = 0;

function row({ id, day = "1996-01-01", account = "1", movedMinor, balanceMinor }: Told): BerkaRow {
  rowCount += 1;
  return {
    line: 1,
    transactionId: id ?? String(rowCount),
    account,
    day,
    direction: movedMinor < 0 ? "debit" : "credit",
    amountMinor: Math.abs(movedMinor),
    balanceMinor,
    operation: null,
    symbol: null,
    counterBank: null,
    counterAccount: null,
  };
}

function driftsOf(...told: Told[]) {
  const balances = createDayBalances();
  for (const each of told) balances.add(row(each));
  return balances.drifts();
}

test("balances that follow from the amounts are no break, whatever order a day is told in", () => {
  expect(
    driftsOf(
      { movedMinor: -30, balanceMinor: 70 },
      { movedMinor: 100, balanceMinor: 100 },
      { day: "1996-01-03", movedMinor: 5, balanceMinor: 75 },
    ),
  ).toEqual([]);
});

test("a day whose end was never stated drifts once, and the next day starts from the bank's balance", () => {
  expect(
    driftsOf(
      { movedMinor: 100, balanceMinor: 100 },
      { day: "1996-01-02", movedMinor: 50, balanceMinor: 160 },
      { day: "1996-01-03", movedMinor: -10, balanceMinor: 150 },
      { day: "1996-01-04", movedMinor: 1, balanceMinor: 141 },
    ),
  ).toEqual([
    { kind: "balanceDrift", account: "berka:1", day: "1996-01-02", bankMinor: 160, computedMinor: 150, driftMinor: 10 },
    {
      kind: "balanceDrift",
      account: "berka:1",
      day: "1996-01-04",
      bankMinor: 141,
      computedMinor: 141,
      driftMinor: -10,
    },
  ]);
});

test("a row that stands in the file twice moved its amount once", () => {
  const twice = { id: "7", movedMinor: 100, balanceMinor: 100 };
  expect(driftsOf(twice, twice, { day: "1996-01-02", movedMinor: 5, balanceMinor: 105 })).toEqual([]);
});

test("accounts do not mix, and days may come in any order", () => {
  expect(
    driftsOf(
      { account: "2", day: "1996-01-02", movedMinor: 1, balanceMinor: 8 },
      { account: "1", movedMinor: 5, balanceMinor: 5 },
      { account: "2", day: "1996-01-01", movedMinor: 7, balanceMinor: 7 },
    ),
  ).toEqual([]);
});

test("of a chain in true order nothing drifts, and one raised balance at a day's end is found with its size", () => {
  const moves = fc.array(
    fc.record({ day: fc.integer({ min: 1, max: 9 }), movedMinor: fc.integer({ min: -50, max: 50 }) }),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(moves, fc.integer({ min: 1_000, max: 2_000 }), (unordered, off) => {
      let balanceMinor = 0;
      const chain = unordered
        .toSorted((a, b) => a.day - b.day)
        .map(({ day, movedMinor }) => {
          balanceMinor += movedMinor;
          return { day: `1996-01-0${day}`, movedMinor, balanceMinor };
        });
      expect(driftsOf(...chain.toReversed())).toEqual([]);
      const lastDay = chain.at(-1)?.day;
      const raised = chain.map((each) =>
        each.day === lastDay ? { ...each, balanceMinor: each.balanceMinor + off } : each,
      );
      expect(driftsOf(...raised)).toMatchObject([{ day: lastDay }]);
    }),
  );
});

const berka = new URL("../../../../../shared/data/neopay/berka-transactions.csv", import.meta.url);

describe.skipIf(!existsSync(berka))("the bank's own file (skipped where ../shared/data/neopay is absent)", () => {
  test("drifts on 1,187 of its days, by a tenth of a crown each", async () => {
    const balances = createDayBalances();
    for await (const { rows } of readBerka(createReadStream(berka))) for (const each of rows) balances.add(each);
    const drifts = balances.drifts();
    expect(drifts).toHaveLength(1_187);
    expect(new Set(drifts.map((drift) => (drift.kind === "balanceDrift" ? Math.abs(drift.driftMinor) : null)))).toEqual(
      new Set([10]),
    );
  });
});
