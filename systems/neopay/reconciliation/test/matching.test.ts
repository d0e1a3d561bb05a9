import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Item, type Matching, matchItems, type Pair, type Rule, withoutUndone } from "../src/matching.ts";

const day = (number: number): string => new Date(number * 86_400_000).toISOString().slice(0, 10);
const distance = (a: Item, b: Item): number => Math.abs(Date.parse(a.day) - Date.parse(b.day)) / 86_400_000;

/**
 * The model: all pairs that a rule allows are listed, the best is taken, and everything is listed again. It shares no
 * code with what it judges.
 */
function model(
  bank: Item[],
  ledger: Item[],
  { rules, dateWindowDays }: { rules: readonly Rule[]; dateWindowDays: number },
): Matching {
  const usedBank = new Set<Item>();
  const usedLedger = new Set<Item>();
  const take = (allowed: (pair: Pair) => boolean): Pair[] => {
    const taken: Pair[] = [];
    for (;;) {
      const candidates = bank.flatMap((b, bankAt) =>
        ledger.map((l, ledgerAt) => ({ pair: { bank: b, ledger: l }, rank: [bankAt, distance(b, l), ledgerAt] })),
      );
      const [best] = candidates
        .filter(({ pair }) => !usedBank.has(pair.bank) && !usedLedger.has(pair.ledger))
        .filter(
          ({ pair }) => pair.bank.direction === pair.ledger.direction && pair.bank.currency === pair.ledger.currency,
        )
        .filter(({ pair }) => distance(pair.bank, pair.ledger) <= dateWindowDays && allowed(pair))
        .toSorted(
          (a, b) => a.rank.map((value, at) => value - (b.rank[at] ?? 0)).find((difference) => difference !== 0) ?? 0,
        );
      if (!best) return taken;
      usedBank.add(best.pair.bank);
      usedLedger.add(best.pair.ledger);
      taken.push(best.pair);
    }
  };
  const shared = ({ bank: b, ledger: l }: Pair): boolean =>
    b.references.some((reference) => l.references.includes(reference));
  const equal = ({ bank: b, ledger: l }: Pair): boolean => b.amountMinor === l.amountMinor;
  const matches = rules.flatMap((rule) =>
    take((pair) => equal(pair) && (rule === "amount" || shared(pair))).map((pair) => ({ ...pair, rule })),
  );
  return {
    matches,
    differing: rules.includes("reference") ? take(shared) : [],
    bankOnly: bank.filter((item) => !usedBank.has(item)),
    ledgerOnly: ledger.filter((item) => !usedLedger.has(item)),
  };
}

// Few values each, so that items collide in every way.
const anyItem = fc.record({
  direction: fc.constantFrom("credit" as const, "debit" as const),
  amountMinor: fc.integer({ min: 1, max: 4 }),
  currency: fc.constantFrom("EUR", "CZK"),
  day: fc.integer({ min: 20_000, max: 20_008 }).map(day),
  references: fc.uniqueArray(fc.constantFrom("A", "B", "C", "D"), { maxLength: 3 }),
});
const anyItems = fc
  .array(anyItem, { maxLength: 9 })
  .map((items): Item[] => items.map((item, at) => ({ ...item, id: String(at) })));
const anyRules = fc.constantFrom<readonly Rule[]>(
  ["reference", "amount"],
  ["amount", "reference"],
  ["reference"],
  ["amount"],
);

describe("matchItems", () => {
  test("does what the model does", () => {
    fc.assert(
      fc.property(
        anyItems,
        anyItems,
        fc.tuple(anyRules, fc.integer({ min: 0, max: 4 })),
        (bank, ledger, [rules, dateWindowDays]) => {
          expect(matchItems(bank, ledger, { rules, dateWindowDays })).toEqual(
            model(bank, ledger, { rules, dateWindowDays }),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("uses every item exactly once", () => {
    fc.assert(
      fc.property(anyItems, anyItems, (bank, ledger) => {
        const found = matchItems(bank, ledger, { rules: ["reference", "amount"], dateWindowDays: 3 });
        const pairs = [...found.matches, ...found.differing];
        expect([...pairs.map((pair) => pair.bank), ...found.bankOnly].map(({ id }) => id).toSorted()).toEqual(
          bank.map(({ id }) => id).toSorted(),
        );
        expect([...pairs.map((pair) => pair.ledger), ...found.ledgerOnly].map(({ id }) => id).toSorted()).toEqual(
          ledger.map(({ id }) => id).toSorted(),
        );
      }),
    );
  });

  const item = (parts: Partial<Item>): Item => ({
    id: "1",
    direction: "credit",
    amountMinor: 100,
    currency: "EUR",
    day: "2026-01-31",
    references: [],
    ...parts,
  });
  const both: { rules: Rule[]; dateWindowDays: number } = { rules: ["reference", "amount"], dateWindowDays: 3 };

  test("a shared reference goes before a nearer day", () => {
    const ledger = [item({ id: "near" }), item({ id: "named", day: "2026-02-02", references: ["E1"] })];
    const { matches, ledgerOnly } = matchItems([item({ references: ["E1"] })], ledger, both);
    expect(matches).toMatchObject([{ ledger: { id: "named" }, rule: "reference" }]);
    expect(ledgerOnly).toMatchObject([{ id: "near" }]);
  });

  test("the window may cross a month and a leap day, and is exact", () => {
    const bank = [item({ day: "2024-02-28" })];
    expect(matchItems(bank, [item({ day: "2024-03-02" })], both).matches).toHaveLength(1);
    expect(matchItems(bank, [item({ day: "2024-03-03" })], both).matches).toHaveLength(0);
  });

  test("a shared reference with another amount is a difference, not two missing items", () => {
    const found = matchItems([item({ references: ["E1"] })], [item({ references: ["E1"], amountMinor: 99 })], both);
    expect(found).toMatchObject({
      matches: [],
      differing: [{ bank: { amountMinor: 100 } }],
      bankOnly: [],
      ledgerOnly: [],
    });
  });

  test("20,000 items that all look alike are paired in well under a second each", () => {
    const alike = Array.from({ length: 20_000 }, (_, at) => item({ id: String(at), references: ["SALARY"] }));
    const found = matchItems(alike, alike, both);
    expect(found.matches.every(({ bank, ledger }) => bank.id === ledger.id)).toBe(true);
    expect(found.matches).toHaveLength(20_000);
  });
});

test("movements of the ledger that undo each other are no break; one whose counterpart the bank has seen still is", () => {
  const facts = { amountMinor: 5_00, currency: "EUR", references: ["E1"] };
  const paid: Item = { ...facts, id: "l1", direction: "debit", day: "2026-11-02" };
  const back: Item = { ...facts, id: "l2", direction: "credit", day: "2026-11-20" };
  expect(withoutUndone([paid, back])).toEqual([]);
  const others: Item[] = [
    { ...back, references: ["E2"] },
    { ...back, amountMinor: 5_01 },
    { ...back, currency: "CZK" },
    { ...back, direction: "debit" },
    { ...back, day: "2026-12-31" },
  ];
  for (const other of others) expect(withoutUndone([paid, other])).toEqual([paid, other]);
  expect(withoutUndone([paid, back, { ...back, id: "l3" }])).toEqual([{ ...back, id: "l3" }]);
  const seen: Item = { ...paid, id: "b1", day: "2026-11-03" };
  const { ledgerOnly } = matchItems([seen], [paid, back], { rules: ["reference"], dateWindowDays: 3 });
  expect(withoutUndone(ledgerOnly)).toEqual([back]);
});
