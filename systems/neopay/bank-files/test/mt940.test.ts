import { describe, expect, test } from "vitest";
import { parseStatements } from "../src/document.ts";
import { parseMt940 } from "../src/mt940.ts";

const message = (
  lines = ["", ""],
  { opening = "C260131EUR18,15", closing = "C260201EUR27,00", id = "STMT1" } = {},
): string =>
  [`:20:${id}`, ":25:NL26VAYB8060476890", ":28C:31/1", `:60F:${opening}`, ...lines, `:62F:${closing}`, "-"]
    .filter(Boolean)
    .join("\r\n");
const credit = ":61:2601310131C8,85NTRFE2E-1//BANK-1";

/** The only statement of a text without problems. */
function only(text: string) {
  const { statements, problems } = parseMt940(text);
  expect(problems).toEqual([]);
  expect(statements).toHaveLength(1);
  return statements[0] as NonNullable<(typeof statements)[0]>;
}

/** The only entry of a message with these lines. */
const entryOf = (...lines: string[]) => only(message(lines)).entries[0];

test("a message ties and keeps its references", () => {
  expect(only(message([credit, ":86:Invoice 7"]))).toMatchObject({
    statementId: "STMT1",
    sequence: "31",
    page: "1",
    account: "NL26VAYB8060476890",
    currency: "EUR",
    ties: true,
    breakMinor: 0,
    opening: { kind: "OPBD", amountMinor: 1815, on: "2026-01-31" },
    entries: [
      {
        reference: "BANK-1",
        amountMinor: 885,
        direction: "credit",
        bankCode: "NTRF",
        description: "Invoice 7",
        details: [{ endToEndId: "E2E-1" }],
      },
    ],
  });
});

test("a SWIFT envelope, several messages and their tags are told apart", () => {
  const envelope = (text: string): string =>
    `{1:F01BANKBEBBAXXX0000000000}{2:I940BANKBEBBXXXXN}{3:{108:X}}{4:\r\n${text}}{5:{CHK:0}}\r\n`;
  const text = envelope(message([credit])) + envelope(message([credit], { id: "STMT2", closing: "C260201EUR27,01" }));
  expect(parseStatements(text)).toMatchObject({
    statements: [
      { statementId: "STMT1", ties: true },
      { statementId: "STMT2", ties: false, breakMinor: 1 },
    ],
    problems: [],
  });
});

test("lines of the bank's own before and between its tags are left alone", () => {
  const text = `ABNANL2A\r\n940\r\nABNANL2A\r\n${message([":NS:22JOHN DOE", credit]).replace(":28C:31/1", ":28:31/1")}`;
  expect(parseStatements(text)).toMatchObject({
    statements: [{ sequence: "31", page: "1", ties: true }],
    problems: [],
  });
});

test("pages tie each by its own intermediate balances", () => {
  const first = message([credit]).replace(":62F:", ":62M:");
  const second = message([":61:260201D7,NMSCNONREF"], { opening: "C260131EUR27,00", closing: "C260201EUR20," }).replace(
    ":60F:",
    ":60M:",
  );
  expect(parseMt940(`${first}\n${second}`)).toMatchObject({
    statements: [
      { ties: true, closing: { kind: "ITBD" } },
      { ties: true, opening: { kind: "ITBD" } },
    ],
    problems: [],
  });
});

describe(":61:", () => {
  test.each([
    ["C", "credit", false, "booked"],
    ["D", "debit", false, "booked"],
    ["RC", "debit", true, "booked"],
    ["RD", "credit", true, "booked"],
    ["EC", "credit", false, "pending"],
    ["ED", "debit", false, "pending"],
    ["CR", "credit", false, "booked"],
    ["DR", "debit", false, "booked"],
  ])("the mark %s is a %s, reversal %s, %s", (mark, ...[direction, reversal, status]) => {
    expect(entryOf(`:61:260131${mark}8,85NTRFNONREF`)).toMatchObject({ direction, reversal, status, amountMinor: 885 });
  });

  test.each([
    ["8,", 800],
    ["8,5", 850],
    ["0,01", 1],
    ["1234", 123400],
  ])("the amount %s is %d", (amount, amountMinor) => {
    expect(entryOf(`:61:260131C${amount}NTRFNONREF`)?.amountMinor).toBe(amountMinor);
  });

  test("the entry date takes the year that is nearest to the value date", () => {
    expect(entryOf(":61:2512311231C8,85NTRFX")?.bookedOn).toBe("2025-12-31");
    expect(entryOf(":61:2512310102C8,85NTRFX")?.bookedOn).toBe("2026-01-02");
    expect(entryOf(":61:2601021231C8,85NTRFX")?.bookedOn).toBe("2025-12-31");
    expect(entryOf(":61:930105C8,85NTRFX")?.valueOn).toBe("1993-01-05");
  });

  test("blanks stand for an entry date or a type that the bank has not", () => {
    expect(entryOf(":61:260131    D8,85NTRFX")).toMatchObject({ bookedOn: "2026-01-31", direction: "debit" });
    expect(entryOf(":61:2601310131DF8,85S   X")).toMatchObject({ bankCode: "S", reference: "X" });
    expect(entryOf(":61:260131D8,85 NTRFX")).toMatchObject({ amountMinor: 885, bankCode: "NTRF" });
  });

  test("a value date of 30 February, as interest has it, is the last day of the month", () => {
    expect(entryOf(":61:2602300131C8,85NTRFX")?.valueOn).toBe("2026-02-28");
    expect(entryOf(":61:2402300131C8,85NTRFX")?.valueOn).toBe("2024-02-29");
    expect(entryOf(":61:2402290131C8,85NTRFX")?.valueOn).toBe("2024-02-29");
  });

  test("supplementary details on the next line are kept", () => {
    expect(entryOf(":61:260131C8,85NTRFX//B\nCARD 12:30")).toMatchObject({ reference: "B", description: "CARD 12:30" });
  });
});

describe(":86:", () => {
  test("subfields give name, account, references and purpose", () => {
    const info =
      ":86:166?00SEPA CREDIT?109310?20EREF+E2E-77?21MREF+M-1?22SVWZ+Invoice\r\n 7 of Ja?23nuary?30BANKDEFF?31DE89370400440532013000?32ACME?33 GMBH";
    expect(entryOf(":61:260131C8,85NTRFNONREF", info)?.details).toMatchObject([
      {
        endToEndId: "E2E-77",
        mandateId: "M-1",
        remittance: ["Invoice 7 of January"],
        debtor: { name: "ACME GMBH", account: "DE89370400440532013000" },
      },
    ]);
  });

  test("slashed parts give the same", () => {
    const info =
      ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL56AGDH9619008421/BIC/ABNANL2A/NAME/J. Doe/REMI/Inv\r\noice 7/EREF/NOTPROVIDED";
    expect(entryOf(":61:260131D8,85NTRFMINE", info)?.details).toMatchObject([
      { endToEndId: "MINE", remittance: ["Invoice 7"], creditor: { name: "J. Doe", account: "NL56AGDH9619008421" } },
    ]);
  });

  test("free text stays as it is, over several lines", () => {
    expect(entryOf(credit, ":86:Thanks/for\r\nall")?.details[0]?.remittance).toEqual(["Thanks/for all"]);
  });
});

describe("refusals", () => {
  test.each([
    ["a line that cannot be read", [credit, ":61:nonsense"], 6, ":61:", /nonsense/],
    ["a day that does not exist", [":61:260431C8,85NTRFX"], 5, ":61:", /YYMMDD/],
    ["an entry date that does not exist", [":61:2601310230C8,85NTRFX"], 5, ":61:", /MMDD/],
    ["more digits than the currency has", [":61:260131C8,855NTRFX"], 5, ":61:", /more digits/],
  ])("%s names its line and keeps the other messages", (_, lines, ...[line, at, reason]) => {
    const { statements, problems } = parseMt940(`${message(lines)}\r\n${message([credit], { id: "NEXT" })}`);
    expect(statements).toMatchObject([{ statementId: "NEXT", ties: true }]);
    expect(problems).toMatchObject([{ statementId: "STMT1", line, at, reason: expect.stringMatching(reason) }]);
  });

  test("a truncated message is refused, those before it are kept", () => {
    const text = `${message([credit])}\r\n${message([credit], { id: "CUT" }).split(":62F:")[0]}`;
    expect(parseMt940(text)).toMatchObject({
      statements: [{ statementId: "STMT1" }],
      problems: [{ statementId: "CUT", at: ":62F:", reason: expect.stringContaining("ends without :62F: or :62M:") }],
    });
  });

  test.each([["", "hello", ":21:X"]])("no message at all is one problem: %j", (text) => {
    expect(parseMt940(text)).toMatchObject({ statements: [], problems: [{ at: ":20:" }] });
  });

  test("a balance without a currency of the standard is refused", () => {
    expect(parseMt940(message([credit], { opening: "C260131EU18,15" })).problems).toMatchObject([
      { line: 4, at: ":60F:" },
    ]);
    expect(parseMt940(message([credit], { opening: "C260131ZZZ18,15" })).problems[0]?.reason).toMatch(/ISO 4217/);
  });
});
