import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCamt } from "../src/camt.ts";
import { balance, camt053, entry, statement } from "./camt-document.ts";

/** The only statement of a document that has no problems. */
function only(document: string) {
  const { statements, problems } = parseCamt(document);
  expect(problems).toEqual([]);
  expect(statements).toHaveLength(1);
  return statements[0] as NonNullable<(typeof statements)[0]>;
}

describe("ties", () => {
  test("opening + entries = closing", () => {
    expect(only(camt053(statement()))).toMatchObject({ ties: true, breakMinor: 0, tieReason: "tied" });
  });

  test("a break is closing minus what the entries lead to", () => {
    expect(only(camt053(statement({ closing: "27.05" })))).toMatchObject({
      ties: false,
      breakMinor: 5,
      tieReason: "differs",
    });
    expect(only(camt053(statement({ closing: "26.95" })))).toMatchObject({ ties: false, breakMinor: -5 });
  });

  test("a debit balance is negative and a debit entry lowers it", () => {
    const balances = balance("OPBD", "5.00", { mark: "DBIT" }) + balance("CLBD", "7.50", { mark: "DBIT" });
    const entries = entry({ amount: "2.50", mark: "DBIT" });
    expect(only(camt053(statement({ balances, entries })))).toMatchObject({
      ties: true,
      opening: { amountMinor: -500 },
    });
  });

  test("pending and informational entries do not move the balance", () => {
    const entries = entry() + entry({ status: "<Sts>PDNG</Sts>" }) + entry({ status: "<Sts><Cd>INFO</Cd></Sts>" });
    const read = only(camt053(statement({ entries })));
    expect(read.ties).toBe(true);
    expect(read.entries.map(({ status }) => status)).toEqual(["booked", "pending", "information"]);
  });

  test("a reversal moves the balance as its CdtDbtInd says", () => {
    const reversed = entry({ mark: "DBIT", inner: "" }).replace("<Sts>", "<RvslInd>true</RvslInd><Sts>");
    const read = only(camt053(statement({ entries: entry() + reversed, closing: "18.15" })));
    expect(read).toMatchObject({ ties: true, entries: [{ reversal: false }, { reversal: true, direction: "debit" }] });
  });

  test.each([
    ["PRCD stands in for OPBD", balance("PRCD", "18.15") + balance("CLBD", "27.00"), true],
    ["OPBD goes before PRCD", balance("PRCD", "1.00") + balance("OPBD", "18.15") + balance("CLBD", "27.00"), true],
    ["a first page ends at ITBD", balance("OPBD", "18.15") + balance("ITBD", "27.00"), true],
    ["a middle page lies between two ITBD", balance("ITBD", "18.15") + balance("ITBD", "27.00"), true],
    ["a last page begins at ITBD", balance("ITBD", "18.15") + balance("CLBD", "27.00"), true],
    ["available balances are not booked ones", balance("OPAV", "18.15") + balance("CLAV", "27.00"), null],
    ["no closing balance tells nothing", balance("OPBD", "18.15"), null],
    ["no balance at all tells nothing", "", null],
  ])("%s", (_, balances, ties) => {
    expect(only(camt053(statement({ balances }))).ties).toBe(ties);
  });

  test("a closing balance in another currency is a break without a size", () => {
    const balances = balance("OPBD", "18.15") + balance("CLBD", "27.00", { currency: "SEK" });
    expect(only(camt053(statement({ balances })))).toMatchObject({
      ties: false,
      breakMinor: null,
      tieReason: "currencyDiffers",
    });
  });

  test("of balances in several currencies the account's own is taken", () => {
    const balances = ["USD", "EUR"]
      .map((currency) => balance("OPBD", "18.15", { currency }) + balance("CLBD", "27.00", { currency }))
      .join("");
    expect(only(camt053(statement({ balances })))).toMatchObject({ ties: true, opening: { currency: "EUR" } });
  });

  test("any amounts tie exactly when the closing balance is their sum, to the last minor unit", () => {
    const amounts = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { maxLength: 15 });
    const text = (minor: number): string => (Math.abs(minor) / 1000).toFixed(3);
    const mark = (minor: number): "CRDT" | "DBIT" => (minor < 0 ? "DBIT" : "CRDT");
    fc.assert(
      fc.property(
        fc.integer({ min: -9_999, max: 9_999 }),
        amounts,
        fc.integer({ min: -3, max: 3 }),
        (opening, moved, off) => {
          const closing = moved.reduce((sum, minor) => sum + minor, opening) + off;
          const currency = "KWD";
          const balances =
            balance("OPBD", text(opening), { currency, mark: mark(opening) }) +
            balance("CLBD", text(closing), { currency, mark: mark(closing) });
          const entries = moved.map((minor) => entry({ amount: text(minor), mark: mark(minor), currency })).join("");
          expect(only(camt053(statement({ currency, balances, entries })))).toMatchObject({
            ties: off === 0,
            breakMinor: off,
          });
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("versions and optional parts", () => {
  test.each([2, 3, 4, 5, 6, 7, 8])("version %d is read", (version) => {
    expect(only(camt053(statement(), version))).toMatchObject({ version, ties: true });
  });

  test.each([
    ["camt.053.001.01", /not camt.052, camt.053 or camt.054/],
    ["camt.060.001.02", /not camt.052, camt.053 or camt.054/],
    ["pain.001.001.09", /not camt.052, camt.053 or camt.054/],
  ])("%s is refused by its namespace", (name, reason) => {
    const { statements, problems } = parseCamt(camt053(statement()).replace("camt.053.001.02", name));
    expect(statements).toEqual([]);
    expect(problems).toMatchObject([{ line: 2, at: "Document", reason: expect.stringMatching(reason) }]);
  });

  test("prefixes, comments, CDATA, character references and an envelope are XML like any other", () => {
    const plain = camt053(statement({ id: "<![CDATA[A&B]]>", inner: "<!-- bank -->" }));
    const prefixed = plain
      .replace(/<(\/?)([A-Z])/g, "<$1c:$2")
      .replace("xmlns=", "xmlns:c=")
      .replace(/<\?xml.*\?>\n/, "");
    expect(only(`<Envelope><Header/>${prefixed}</Envelope>`)).toMatchObject({ statementId: "A&B", ties: true });
    expect(only(camt053(statement({ id: "A&#66;&amp;" }))).statementId).toBe("AB&");
  });

  test("the account's currency is found without Acct/Ccy", () => {
    expect(only(camt053(statement({ currency: "" })))).toMatchObject({ currency: "EUR", ties: true });
  });

  test("a date with time or zone keeps the day as written", () => {
    const dated = entry().replace("<Dt>2026-01-31</Dt>", "<DtTm>2026-01-31T23:30:00-05:00</DtTm>");
    const zoned = entry().replace("<Dt>2026-01-31</Dt>", "<Dt>2026-01-31+01:00</Dt>");
    const bare = entry().replace("<BookgDt><Dt>2026-01-31</Dt></BookgDt>", "");
    const read = only(camt053(statement({ entries: dated + zoned + bare })));
    expect(read.entries.map(({ bookedOn }) => bookedOn)).toEqual(["2026-01-31", "2026-01-31", null]);
  });

  test("charges are reported and do not change the entry, as version 2 and as later versions write them", () => {
    const older = `<Chrgs><Amt Ccy="EUR">0.25</Amt><CdtDbtInd>DBIT</CdtDbtInd></Chrgs>`;
    const later = `<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">0.30</TtlChrgsAndTaxAmt><Rcrd><Amt Ccy="EUR">0.30</Amt></Rcrd></Chrgs>`;
    const read = only(camt053(statement({ entries: entry({ inner: older + later }) })));
    expect(read.ties).toBe(true);
    expect(read.entries[0]?.charges).toEqual([
      { amountMinor: 25, currency: "EUR", direction: "debit" },
      { amountMinor: 30, currency: "EUR", direction: null },
    ]);
  });

  test("a batch entry keeps each payment with its references, amount and parties", () => {
    const payment = (id: string, amount: string): string => `<TxDtls><Refs><EndToEndId>${id}</EndToEndId>
<UETR>255ae394-9965-4438-ac86-f406feada396</UETR></Refs><AmtDtls><TxAmt><Amt Ccy="CHF">${amount}</Amt></TxAmt></AmtDtls>
<RltdPties><Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr><Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><Othr><Id>42</Id></Othr></Id></CdtrAcct></RltdPties>
<RmtInf><Ustrd>free</Ustrd><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>`;
    const inner = `<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>${payment("E1", "3.1")}${payment("NOTPROVIDED", "5.75")}</NtryDtls>`;
    const [read] = only(camt053(statement({ entries: entry({ inner }) }))).entries;
    expect(read?.details).toMatchObject([
      {
        endToEndId: "E1",
        uetr: "255ae394-9965-4438-ac86-f406feada396",
        amountMinor: 310,
        currency: "CHF",
        direction: "credit",
        debtor: { name: "Payer" },
        creditor: { name: "Payee", account: "42" },
        remittance: ["RF18", "free"],
      },
      { endToEndId: null, amountMinor: 575 },
    ]);
  });
});

describe("refusals", () => {
  const broken = (entries: string): string =>
    camt053(statement({ id: "A" }) + statement({ id: "B", entries }) + statement({ id: "C" }));

  test.each([
    ["Stmt/Ntry/Amt", entry({ amount: "8.855" }), /"8.855" has more digits than EUR/],
    ["Stmt/Ntry/Amt", entry({ amount: "-8.85" }), /negative/],
    ["Stmt/Ntry/Amt", entry({ amount: "8,85" }), /not a decimal/],
    ["Stmt/Ntry/Amt", entry({ amount: "" }), /not a decimal/],
    ["Stmt/Ntry/Amt", entry({ currency: "EURO" }), /"EURO" is not an ISO 4217/],
    ["Stmt/Ntry/Amt", entry().replace(' Ccy="EUR"', ""), /lacks the attribute Ccy/],
    ["Stmt/Ntry/Amt", entry().replace(/<Amt.*<\/Amt>/, ""), /lacks Amt/],
    ["Stmt/Ntry/CdtDbtInd", entry().replace("CRDT", "CREDIT"), /neither CRDT nor DBIT/],
    ["Stmt/Ntry/BookgDt/Dt", entry().replace("2026-01-31", "2026-02-30"), /not a date/],
    ["Stmt/Ntry/Sts", entry({ status: "<Sts>DONE</Sts>" }), /"DONE"/],
  ])("an entry wrong at %s refuses its statement and keeps the others", (at, entries, reason) => {
    const { statements, problems } = parseCamt(broken(entry() + entries));
    expect(statements.map(({ statementId }) => statementId)).toEqual(["A", "C"]);
    expect(problems).toMatchObject([
      {
        statementId: "B",
        at: `Document/BkToCstmrStmt/${at}`,
        line: expect.any(Number),
        reason: expect.stringMatching(reason),
      },
    ]);
  });

  test("the line is that of the wrong element", () => {
    const document = broken(`\n\n${entry({ amount: "x" })}`);
    const at = document.split("\n").findIndex((text) => text.includes(">x<")) + 1;
    expect(parseCamt(document).problems[0]?.line).toBe(at);
  });

  test("a truncated file keeps the statements that were whole", () => {
    const document = broken(entry());
    const cut = document.slice(0, document.indexOf("<Id>C</Id>") + 40);
    const { statements, problems } = parseCamt(cut);
    expect(statements.map(({ statementId }) => statementId)).toEqual(["A", "B"]);
    expect(problems).toMatchObject([{ statementId: "C", reason: expect.stringContaining("not well-formed") }]);
  });

  test("wherever a file is cut, whole statements before the cut are kept and exactly one problem is told", () => {
    const document = broken(entry());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: document.length - 1 }), (length) => {
        const cut = document.slice(0, length);
        const { statements, problems } = parseCamt(cut);
        expect(statements).toHaveLength(cut.split("</Stmt>").length - 1);
        expect(problems).toHaveLength(1);
      }),
    );
  });

  test("however the text arrives, the same is read", () => {
    const document = broken(entry({ amount: "8.855" }));
    const whole = parseCamt(document);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (size) => {
        const slices = Array.from({ length: Math.ceil(document.length / size) }, (_, at) =>
          document.slice(at * size, (at + 1) * size),
        );
        expect(parseCamt(slices)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ["nothing", ""],
    ["no XML", "hello"],
    ["another document", "<a/>"],
    ["a message without a statement", camt053("")],
    ["a statement without an account", camt053("<Stmt><Id>A</Id></Stmt>")],
    ["a statement without an id", camt053(statement().replace("<Id>S1</Id>", ""))],
  ])("%s is one problem", (_, document) => {
    expect(parseCamt(document)).toMatchObject({ statements: [], problems: [{ reason: expect.any(String) }] });
  });

  test("a sum beyond the safe integers refuses the statement", () => {
    const huge = entry({ amount: "90071992547409.91" });
    expect(parseCamt(camt053(statement({ entries: huge + huge }))).problems[0]?.reason).toMatch(/2\^53-1/);
  });
});
