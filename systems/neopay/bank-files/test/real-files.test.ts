import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readBerka } from "../src/berka.ts";
import { decodeDocument, parseStatements } from "../src/document.ts";
import { BankStatement } from "../src/model.ts";
import { parsePain001 } from "../src/payment/pain001.ts";

const data = new URL("../../../../../shared/data/neopay/", import.meta.url);
const present = existsSync(data);
const camtFiles = present ? readdirSync(new URL("camt/", data)) : [];

// [ties, breakMinor] of each statement, worked out by hand from the files.
const expected: Record<string, [boolean | null, number | null][]> = {
  "camt053.v2.all-balance-types.xml": [[false, -582]],
  "camt053.v2.five.decimals.xml": [[false, 5]],
  "camt053.v2.multi.statement.xml": [
    [true, 0],
    [true, 0],
  ],
  "camt053.v2.with-account-name.xml": [[null, null]],
  "camt053.v2.wrong.xml": [],
};

describe.skipIf(!present)("real files (skipped where ../shared/data/neopay is absent)", () => {
  test.each(camtFiles)("%s is read as the model says", (file) => {
    const { statements, problems } = parseStatements(decodeDocument(readFileSync(new URL(`camt/${file}`, data))));
    expect(problems).toHaveLength(file.includes("wrong") ? 1 : 0);
    for (const statement of statements) {
      expect(BankStatement.parse(statement)).toEqual(statement);
      expect(statement.entries.length).toBeGreaterThan(0);
    }
    // The generic sample's closing balance is in another currency than its account; a notification has none.
    const otherwise: [boolean | null, number | null][] = file.startsWith("camt054") ? [[null, null]] : [[false, null]];
    expect(statements.map(({ ties, breakMinor }) => [ties, breakMinor])).toEqual(expected[file] ?? otherwise);
  });

  test("a message without statements names the element that is missing", () => {
    const text = readFileSync(new URL("camt/camt053.v2.wrong.xml", data), "utf8");
    expect(parseStatements(text).problems).toMatchObject([{ at: "Document/BkToCstmrStmt/Stmt" }]);
  });

  test("the payment initiation is read", () => {
    const { payments, problems } = parsePain001(readFileSync(new URL("pain001_001_08.xml", data), "utf8"));
    expect(problems).toEqual([]);
    expect(payments).toMatchObject([
      { endToEndId: "test-160620", amountMinor: 1_000, currency: "GBP", debtor: { account: "50000970" } },
    ]);
  });

  test("every row of the Berka bank is read, and its own balances are those of its amounts to a tenth of a crown", async () => {
    const ends = new Map<string, { day: string; movedMinor: number; balances: number[] }[]>();
    let rowCount = 0;
    for await (const { rows, problems } of readBerka(createReadStream(new URL("berka-transactions.csv", data)))) {
      expect(problems).toEqual([]);
      rowCount += rows.length;
      for (const row of rows) {
        const days = ends.get(row.account) ?? [];
        ends.set(row.account, days);
        if (days.at(-1)?.day !== row.day) days.push({ day: row.day, movedMinor: 0, balances: [] });
        const last = days.at(-1);
        if (!last) continue;
        last.movedMinor += row.direction === "credit" ? row.amountMinor : -row.amountMinor;
        last.balances.push(row.balanceMinor);
      }
    }
    expect(rowCount).toBe(30_200);
    expect(ends.size).toBe(354);
    for (const days of ends.values()) {
      let balanceMinor = 0;
      for (const { movedMinor, balances } of days) {
        const due = balanceMinor + movedMinor;
        balanceMinor = balances.toSorted((a, b) => Math.abs(a - due) - Math.abs(b - due))[0] ?? due;
        expect(Math.abs(balanceMinor - due)).toBeLessThanOrEqual(10);
      }
    }
  });
});
