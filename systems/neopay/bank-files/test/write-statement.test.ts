import { currencyOf } from "@banyan/neopay-money";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseStatements } from "../src/document.ts";
import type { AccountStatement, StatementLine } from "../src/statement/account-statement.ts";
import { writeBankCsv } from "../src/statement/write-bank-csv.ts";
import { writeCamt053 } from "../src/statement/write-camt053.ts";

const line = (given: Partial<StatementLine> = {}): StatementLine => ({
  number: 7,
  id: "0".repeat(32),
  reference: "INV-1",
  counterparty: "world:bank",
  changeMinor: -5,
  balanceMinor: 95,
  on: "2026-01-02",
  ...given,
});
const statement = (given: Partial<AccountStatement> = {}): AccountStatement => ({
  account: "users:alice:wallet",
  currency: "EUR",
  from: "2026-01-01",
  to: "2026-01-31",
  createdAt: new Date("2026-02-01T08:00:00Z"),
  openingMinor: 100,
  lines: [line()],
  ...given,
});

/** The one statement that is read from a text, which holds nothing else. */
function readBack(text: string) {
  const { statements, problems } = parseStatements(text);
  expect(problems).toEqual([]);
  expect(statements).toHaveLength(1);
  return statements[0] as (typeof statements)[number];
}

// Where a text begins is what a spreadsheet looks at, and what CSV and XML escape is likely in it.
const reference = fc
  .tuple(
    fc.constantFrom("", "=", "+", "-", "@", "'=", "''", "\uff1d", " '-"),
    fc.string({ unit: fc.constantFrom("a", "1", '"', ",", ";", "'", "&", "<", ">", "]]>", "ž", "😀", " ", "\u00a0") }),
    fc.constantFrom("a", "=", '"'),
  )
  .map((parts) => parts.join("").slice(0, 200));
const address = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}:[A-Za-z0-9_.-]{1,60}$/);
const generated = fc
  .record({
    currency: fc.constantFrom("JPY", "EUR", "KWD", "CLF"),
    account: address,
    openingMinor: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
    movements: fc.array(
      fc.record({ changeMinor: fc.integer().filter((minor) => minor !== 0), reference, counterparty: address }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ movements, ...given }) => {
    let { openingMinor: balanceMinor } = given;
    const lines = movements.map((movement, at) => {
      balanceMinor += movement.changeMinor;
      return line({ ...movement, number: at + 1, balanceMinor, on: `2026-01-0${at + 1}` });
    });
    return statement({ ...given, lines });
  });

const expected = ({ currency, openingMinor, lines }: AccountStatement) => ({
  statementId: "2026-01-01/2026-01-31",
  currency,
  opening: { amountMinor: openingMinor },
  closing: { amountMinor: lines.at(-1)?.balanceMinor },
  ties: true,
  breakMinor: 0,
  entries: lines.map(({ id, changeMinor, on }, at) => ({
    index: at + 1,
    reference: id,
    amountMinor: Math.abs(changeMinor),
    direction: changeMinor < 0 ? "debit" : "credit",
    status: "booked",
    bookedOn: on,
    valueOn: on,
  })),
});

test("whatever an account did, its camt.053 is read back as it was and ties", () => {
  fc.assert(
    fc.property(generated, (written) => {
      const read = readBack(writeCamt053(written));
      expect(read).toMatchObject({ format: "camt.053", version: 8, ...expected(written) });
      const { account, lines } = written;
      expect(read.account).toEqual(account.length > 34 ? expect.stringMatching(/^[0-9a-f]{32}$/) : account);
      for (const [at, { direction, description, details }] of read.entries.entries()) {
        const { reference, counterparty } = lines[at] as StatementLine;
        // XML readers take the spaces around a text for layout.
        expect(description).toBe(reference.trim());
        expect(details[0]?.endToEndId).toBe(reference.length > 35 ? null : reference.trim());
        expect(details[0]?.[direction === "credit" ? "debtor" : "creditor"]?.name).toBe(counterparty);
      }
    }),
  );
});

test("whatever an account did, its CSV is read back as it was and ties, references to the character", () => {
  fc.assert(
    fc.property(generated, (written) => {
      const read = readBack(writeBankCsv(written));
      expect(read).toMatchObject({ format: "csv", account: written.account, ...expected(written) });
      for (const [at, { direction, details }] of read.entries.entries()) {
        const { reference, counterparty } = written.lines[at] as StatementLine;
        expect(details[0]?.endToEndId).toBe(reference);
        expect(details[0]?.[direction === "credit" ? "debtor" : "creditor"]?.account).toBe(counterparty);
      }
    }),
  );
});

test.each([
  ["JPY", "-1234", "1234"],
  ["EUR", "-12.34", "12.34"],
  ["KWD", "-1.2340", "1.234"],
])("%s has its digits, and a debit balance its side", (currency, inCsv, inXml) => {
  expect(currencyOf(currency).exponent).toBe({ JPY: 0, EUR: 2, KWD: 3 }[currency]);
  const overdrawn = statement({
    currency,
    openingMinor: 0,
    lines: [line({ changeMinor: -1234, balanceMinor: -1234 })],
  });
  expect(writeBankCsv(overdrawn)).toContain(`,${inCsv},${inCsv},`);
  const side = `<Amt Ccy="${currency}">${inXml}</Amt><CdtDbtInd>DBIT</CdtDbtInd>`;
  const xml = writeCamt053(overdrawn);
  expect(xml).toContain(`<Cd>CLBD</Cd></CdOrPrtry></Tp>${side}<Dt><Dt>2026-01-31</Dt></Dt>`);
  expect(xml).toMatch(/<Cd>OPBD<\/Cd><\/CdOrPrtry><\/Tp><Amt Ccy="...">0[.0]*<\/Amt><CdtDbtInd>CRDT</);
});

test("days on which nothing moved: camt.053 says the balance; CSV, which has a row per entry, only names its columns", () => {
  const still = statement({ openingMinor: -1, lines: [] });
  expect(readBack(writeCamt053(still))).toMatchObject({
    opening: { amountMinor: -1, on: "2026-01-01" },
    closing: { amountMinor: -1, on: "2026-01-31" },
    ties: true,
    entries: [],
  });
  expect(writeBankCsv(still)).toBe(
    "account,currency,statement,bookedOn,valueOn,amount,balance,reference,endToEndId,counterpartyAccount\r\n",
  );
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "＝1", " =1", "'=1"])("a spreadsheet takes %j for text", (reference) => {
  const csv = writeBankCsv(statement({ lines: [line({ reference, counterparty: "-x" })] }));
  expect(csv).toContain(`"'${reference}","'-x"\r\n`);
});

test("an apostrophe that guards nothing is a bank's own", () => {
  const text = "account,currency,bookedOn,amount,counterparty\nA1,EUR,2026-01-05,5.00,'t Hooft\n";
  expect(readBack(text).entries[0]?.details[0]?.debtor?.name).toBe("'t Hooft");
});

test("markup and what no XML may hold stay text", () => {
  const xml = writeCamt053(statement({ lines: [line({ reference: "<a>&amp;\uffff\u0000\ud800]]>" })] }));
  expect(xml).toContain("<EndToEndId>&lt;a&gt;&amp;amp;\ufffd\ufffd\ufffd]]&gt;</EndToEndId>");
  expect(readBack(xml).entries[0]?.description).toBe("<a>&amp;\ufffd\ufffd\ufffd]]>");
});

test("an address that is longer than an id of ISO 20022 is the alias of a digest, the same at any time", () => {
  const account = `users:${"a".repeat(29)}`;
  const xml = writeCamt053(statement({ account, createdAt: new Date(0) }));
  const id = readBack(xml).account;
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(xml).toContain(
    `<Acct><Id><Othr><Id>${id}</Id></Othr></Id><Ccy>EUR</Ccy><Prxy><Id>${account}</Id></Prxy></Acct>`,
  );
  expect(readBack(writeCamt053(statement({ account }))).account).toBe(id);
  expect(readBack(writeCamt053(statement({ account: account.slice(1) }))).account).toBe(account.slice(1));
});
