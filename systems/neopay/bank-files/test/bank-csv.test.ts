import { expect, test } from "vitest";
import { parseBankCsv } from "../src/bank-csv.ts";
import { parseStatements } from "../src/document.ts";

const semicolons = `account;currency;statement;bookedOn;amount;balance;reference;endToEndId;counterparty;description
CZ65;CZK;2026-01;2026-01-05;1.000,50;1.500,50;R1;E1;Acme s.r.o.;"Faktura; leden"
CZ65;CZK;2026-01;2026-01-06;-0,50;1.500,00;R2;;;
CZ65;CZK;2026-02;2026-02-01;10,00;1.510,00;R3;;;
`;

test("rows of one statement are tied by the running balance", () => {
  expect(parseBankCsv(semicolons)).toMatchObject({
    statements: [
      {
        statementId: "2026-01",
        account: "CZ65",
        currency: "CZK",
        opening: { amountMinor: 50_000 },
        closing: { amountMinor: 150_000 },
        ties: true,
        entries: [
          {
            index: 1,
            amountMinor: 100_050,
            direction: "credit",
            reference: "R1",
            details: [{ endToEndId: "E1", debtor: { name: "Acme s.r.o." }, remittance: ["Faktura; leden"] }],
          },
          { index: 2, amountMinor: 50, direction: "debit", bookedOn: "2026-01-06" },
        ],
      },
      { statementId: "2026-02", ties: true },
    ],
    problems: [],
  });
});

test("a running balance that the amounts do not lead to is the break", () => {
  expect(parseBankCsv(semicolons.replace("-0,50", "-0,60")).statements[0]).toMatchObject({
    ties: false,
    breakMinor: 10,
  });
});

test("commas, a decimal point, other orders, extra columns and no balance are fine", () => {
  const text =
    '\uFEFF"amount","bookedOn","colour","account","currency"\r\n"1,234.56",2026-01-05,red,A1,EUR\r\n\r\n-5,2026-01-06,,A1,EUR\r\n';
  expect(parseStatements(text)).toMatchObject({
    statements: [
      {
        format: "csv",
        account: "A1",
        ties: null,
        entries: [{ amountMinor: 123_456 }, { amountMinor: 500, direction: "debit" }],
      },
    ],
    problems: [],
  });
});

test("rows without a statement id are identified by what they say", () => {
  const text = "account,currency,bookedOn,amount\nA1,EUR,2026-01-05,5.00\n";
  const id = (from: string): string | undefined => parseBankCsv(from).statements[0]?.statementId;
  expect(id(text)).toBe(id(text));
  expect(id(text)).not.toBe(id(text.replace("5.00", "5.01")));
});

test.each([
  ["1.234,56", undefined, 123_456],
  ["1,234.56", undefined, 123_456],
  ["1 234,56", undefined, 123_456],
  ["1'234.56", undefined, 123_456],
  ["12,5", undefined, 1_250],
  ["12.5", undefined, 1_250],
  ["1,234,567.00", undefined, 123_456_700],
  ["1.234", ",", 123_400],
  ["1,234", ".", 123_400],
] as const)("the amount %s with the sign %s is %d", (amount, decimal, minor) => {
  const text = `account;currency;bookedOn;amount\nA1;EUR;2026-01-05;${amount}\n`;
  expect(parseBankCsv(text, decimal ? { decimal } : {}).statements[0]?.entries[0]?.amountMinor).toBe(minor);
});

test.each([
  ["bookedOn", "A1;EUR;2026-13-05;5,00", /not a date/],
  ["amount", "A1;EUR;2026-01-05;five", /not a decimal/],
  ["amount", "A1;EUR;2026-01-05;5,0001", /more digits/],
  ["amount", "A1;EUR;2026-01-05;1,234", /name the decimal sign/],
  ["amount", "A1;EUR;2026-01-05;1.234.567", /name the decimal sign/],
  ["currency", "A1;EURO;2026-01-05;5,00", /not an ISO 4217/],
  ["account", ";EUR;2026-01-05;5,00", /account is empty/],
])("a row that is wrong in %s names line 3 and keeps the other accounts", (at, row, reason) => {
  const { statements, problems } = parseBankCsv(`account;currency;bookedOn;amount\nOK;EUR;2026-01-05;5,00\n${row}\n`);
  expect(statements).toMatchObject([{ account: "OK" }]);
  expect(problems).toMatchObject([{ line: 3, at, reason: expect.stringMatching(reason) }]);
});

test.each([
  ["", /lacks the column account/],
  ["account;amount\n", /lacks the column currency, bookedOn/],
  ["account;currency;bookedOn;amount\n", /no row follows/],
  ["account;currency;bookedOn;amount\nA1;EUR;2026-01-05\n", /column/i],
  ['account;currency;bookedOn;amount\nA1;EUR;2026-01-05;"5,00\n', /quote/i],
])("a file that is no table is one problem: %j", (text, reason) => {
  expect(parseBankCsv(text)).toMatchObject({ statements: [], problems: [{ reason: expect.stringMatching(reason) }] });
});
