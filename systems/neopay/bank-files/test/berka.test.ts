import fc from "fast-check";
import { expect, test } from "vitest";
import { type BerkaBatch, readBerka } from "../src/berka.ts";

const header = "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account";
const row = "6145;25;960728;credit;credit in cash;900.00;900.00;;;";

/** Everything a text holds, as if it arrived in pieces of `size`. */
async function read(text: string, size = text.length): Promise<BerkaBatch> {
  const all: BerkaBatch = { rows: [], problems: [] };
  async function* pieces() {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  for await (const { rows, problems } of readBerka(pieces())) {
    all.rows.push(...rows);
    all.problems.push(...problems);
  }
  return all;
}

test("a row is read to the haléř, its day in the last century", async () => {
  expect(await read(`${header}\n${row}\n`)).toEqual({
    problems: [],
    rows: [
      {
        line: 2,
        transactionId: "6145",
        account: "25",
        day: "1996-07-28",
        direction: "credit",
        amountMinor: 90_000,
        balanceMinor: 90_000,
        operation: "credit in cash",
        symbol: null,
        counterBank: null,
        counterAccount: null,
      },
    ],
  });
});

test.each([
  ["credit", "credit"],
  ["withdrawal", "debit"],
  ["withdrawal in cash", "debit"],
  ["PRIJEM", "credit"],
  ["VYDAJ", "debit"],
  ["VYBER", "debit"],
])("the type %s is a %s", async (type, direction) => {
  expect((await read(`${header}\n${row.replace("credit", type)}`)).rows).toMatchObject([{ direction }]);
});

test("the bank's own file, quoted, with CRLF, a negative balance and other orders, is the same", async () => {
  const names = header
    .split(";")
    .toReversed()
    .map((name) => `"${name}"`)
    .join(";");
  const fields = ["", '"YZ"', '" "', "-12.3", "12.3", '"PREVOD NA UCET"', '"VYDAJ"', "930105", "7", "9"].join(";");
  expect((await read(`${names}\r\n${fields}\r\n`)).rows).toMatchObject([
    {
      transactionId: "9",
      account: "7",
      day: "1993-01-05",
      amountMinor: 1_230,
      balanceMinor: -1_230,
      symbol: null,
      counterBank: "YZ",
    },
  ]);
});

test.each([
  ["type", row.replace("credit;", "gift;"), /"gift"/],
  ["amount", row.replace("900.00", "9.001"), /more digits/],
  ["amount", row.replace("900.00", "0.00"), /not more than 0/],
  ["amount", row.replace("900.00", "-1.00"), /not more than 0/],
  ["balance", row.replace(";900.00;;", ";x;;"), /not a decimal/],
  ["date", row.replace("960728", "960231"), /YYMMDD/],
  ["date", row.replace("960728", "1996-07-28"), /YYMMDD/],
  ["trans_id", row.replace("6145", ""), /not a number/],
  ["account_id", row.replace(";25;", ";world:bank;"), /not a number/],
  [null, "6145;25;960728", /has 3 fields of 10/],
])("a line wrong in %s is refused by its number, the others are kept", async (at, bad, reason) => {
  const { rows, problems } = await read(`${header}\n${row}\n${bad}\n${row}\n`);
  expect(rows.map(({ line }) => line)).toEqual([2, 4]);
  expect(problems).toMatchObject([{ line: 3, at, reason: expect.stringMatching(reason) }]);
});

test("however the bytes arrive, each line is read once", async () => {
  const text = `${header}\n${[row, "bad;line", row.replace("in cash", "v hotovosti, pojištění")].join("\n")}\n`;
  const whole = await read(text);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 90 }), async (size) => {
      expect(await read(text, size)).toEqual(whole);
    }),
    { numRuns: 30 },
  );
});

test("a file that names no columns, or has a line without end, is refused", async () => {
  await expect(read("a;b\n1;2\n")).rejects.toThrow(/lacks the column trans_id/);
  await expect(read(`${header}\n${"x".repeat(100_000)}`, 1_000)).rejects.toThrow(/exceeds 4096/);
});
