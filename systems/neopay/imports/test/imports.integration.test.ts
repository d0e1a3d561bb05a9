import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Fault, type Identity } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { reconciliation } from "@banyan/neopay-reconciliation/contract";
import { statementsService } from "@banyan/neopay-statements";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { type Call, type ImportReport, importBerka, importCamt, importPain001 } from "../src/index.ts";

let database: TestDatabase;
let app: App;
let folder: string;
let identity: Identity;
let tenantCount = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "banyan-imports-"));
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [ledgerService, statementsService, reconciliationService],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
  });
  await app.start();
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  tenantCount += 1;
  identity = { subject: "test", tenant: `t${tenantCount}`, permissions: new Set(["*"]) };
});

const call: Call = (action, input, options) => app.call(action, input, { ...options, identity });
type Importer = typeof importBerka;

async function imported(
  importer: Importer,
  content: string | Uint8Array,
  { through = call, signal = new AbortController().signal, ending = "" } = {},
) {
  const file = join(folder, `file-${crypto.randomUUID()}${ending}`);
  await writeFile(file, content);
  const report = await importer({ files: [file], call: through, signal, progress: () => {} });
  expectConserved(report);
  return report;
}

function expectConserved(report: ImportReport): void {
  expect(report.received).toBe(report.accepted + report.duplicate + report.refused);
  expect(Object.values(report.reasons).reduce((sum, times) => sum + times, 0)).toBe(report.refused);
}

const trialDifference = async () =>
  (await call(ledger.trialBalance, {})).currencies.map(({ differenceMinor }) => differenceMinor);
const balanceOf = async (address: string, at?: string) =>
  (await call(ledger.balance, { address, ...(at && { at }) })).balanceMinor;

const header = "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account";
const rows = [
  "1;25;960728;credit;credit in cash;900.00;900.00;;;",
  "2;25;960729;withdrawal;remittance to another bank;100.50;799.50;household;YZ;79838293",
  "3;26;960730;withdrawal in cash;withdrawal in cash;5.00;-5.10; ;;",
];
const berkaFile = (...lines: string[]): string => `${header}\n${lines.join("\n")}\n`;

describe("Berka", () => {
  test("rows become postings on their day, and a drift is a break", async () => {
    expect(await imported(importBerka, berkaFile(...rows))).toEqual({
      received: 3,
      accepted: 3,
      duplicate: 0,
      refused: 0,
      reasons: {},
      breaks: [
        {
          kind: "balanceDrift",
          account: "berka:26",
          day: "1996-07-30",
          bankMinor: -510,
          computedMinor: -500,
          driftMinor: -10,
        },
      ],
    });
    expect(await balanceOf("berka:25")).toBe(79_950);
    expect(await balanceOf("berka:25", "1996-07-28")).toBe(90_000);
    expect(await balanceOf("berka:25", "1996-07-27")).toBe(0);
    expect(await balanceOf("berka:26")).toBe(-500);
    expect(await balanceOf("world:berka")).toBe(-79_450);
    const posted = await call(ledger.transactionByReference, { reference: "berka:2" });
    expect(posted.metadata).toEqual({
      operation: "remittance to another bank",
      symbol: "household",
      counterBank: "YZ",
      counterAccount: "79838293",
    });
  });

  test("a second run finds duplicates only, with the same breaks", async () => {
    const first = await imported(importBerka, berkaFile(...rows));
    expect(await imported(importBerka, berkaFile(...rows))).toEqual({ ...first, accepted: 0, duplicate: 3 });
  });

  test("what is broken is refused by its line; what contradicts an earlier row, by its reference", async () => {
    await imported(importBerka, berkaFile(...rows));
    const changed = (rows[0] as string).replace("900.00", "901.00");
    const report = await imported(
      importBerka,
      berkaFile("4;25;960731;gift;;1.00;1.00;;;", changed, "5;25;960801;credit;;1.00;800.50;;;", "6;25"),
    );
    expect(report).toMatchObject({ received: 4, accepted: 1, duplicate: 0, refused: 3 });
    expect(Object.keys(report.reasons).toSorted()).toEqual([
      'line 2, type: "gift" is neither credit nor withdrawal',
      "line 5: the line has 2 fields of 10; it may be cut short",
      "the reference berka:1 was used before for something else",
    ]);
  });

  test("a row that the ledger refuses is named by its reference", async () => {
    const most = "90071992547409.91";
    const report = await imported(importBerka, berkaFile(`7;30;960801;credit;;${most};${most};;;`, ...rows));
    expect(report).toMatchObject({ accepted: 3, refused: 1 });
    expect(Object.keys(report.reasons)[0]).toMatch(/^berka:1: the volume of world:berka would exceed /);
  });

  test("a packed file is the file in it, and one that is no gzip is refused", async () => {
    const packed = gzipSync(berkaFile(...rows));
    expect(await imported(importBerka, packed, { ending: ".gz" })).toMatchObject({ received: 3, accepted: 3 });
    expect(await imported(importBerka, packed.subarray(0, 60), { ending: ".gz" })).toMatchObject({
      reasons: { "the file is not what gzip writes, or is cut short": 1 },
    });
  });

  test("an import that dies anywhere goes on where it was: nothing lost, nothing doubled", async () => {
    const many = Array.from({ length: 3_500 }, (_, at) => `${at + 1};25;960728;credit;;1.00;1.00;;;`);
    let calls = 0;
    // Dies before a chunk, then after one was committed but not answered, then lives.
    const dying: Call = async (action, input, options) => {
      calls += 1;
      const turn = calls;
      if (turn === 3) throw new Error("killed before the call");
      const answer = await call(action, input, options);
      if (turn === 7) throw new Error("killed after the call");
      return answer;
    };
    await expect(imported(importBerka, berkaFile(...many), { through: dying })).rejects.toThrow("killed before");
    await expect(imported(importBerka, berkaFile(...many), { through: dying })).rejects.toThrow("killed after");
    const last = await imported(importBerka, berkaFile(...many));
    expect(last).toMatchObject({ received: 3_500, refused: 0 });
    expect(last.duplicate).toBeGreaterThan(0);
    expect(await balanceOf("berka:25")).toBe(350_000);
    expect(await trialDifference()).toEqual([0]);
  });

  test("what a server may have done is tried again under the same key, and counts once", async () => {
    const keys: (string | undefined)[] = [];
    const shaky: Call = async (action, input, options) => {
      const answer = await call(action, input, options);
      if (action.name !== "postBulk") return answer;
      keys.push(options?.idempotencyKey);
      if (keys.length < 3)
        throw new Fault({
          code: "store.unavailable",
          kind: "unavailable",
          message: "the answer was lost",
          details: null,
          retry: "unknown",
        });
      return answer;
    };
    expect(await imported(importBerka, berkaFile(...rows), { through: shaky })).toMatchObject({
      accepted: 3,
      duplicate: 0,
    });
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  test("an interrupt ends it between two chunks", async () => {
    const stopped = AbortSignal.abort(new Error("Ctrl-C"));
    await expect(imported(importBerka, berkaFile(...rows), { signal: stopped })).rejects.toThrow();
  });

  test("a file that is none of the bank's is refused", async () => {
    expect(await imported(importBerka, "a,b\n1,2\n")).toMatchObject({ received: 1, refused: 1 });
  });
});

describe("camt", () => {
  const statement = (
    id: string,
    closing: string,
  ): string => `<Stmt><Id>${id}</Id><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct>
${[
  ["OPBD", "1.00"],
  ["CLBD", closing],
]
  .map(
    ([kind, amount]) =>
      `<Bal><Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-31</Dt></Dt></Bal>`,
  )
  .join("\n")}
<Ntry><Amt Ccy="EUR">2.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-01-31</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>${id}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry></Stmt>`;
  const camt = (...statements: string[]): string =>
    `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>${statements.join("\n")}</BkToCstmrStmt></Document>`;

  test("each statement counts; one that does not tie is a break, one that is broken a refusal with its line", async () => {
    const report = await imported(
      importCamt,
      camt(statement("A", "3.00"), statement("B", "3.05"), statement("C", "x")),
    );
    expect(report).toMatchObject({
      received: 3,
      accepted: 2,
      refused: 1,
      breaks: [{ kind: "statementDoesNotTie", account: "NL26VAYB8060476890", statementId: "B", breakMinor: 5 }],
    });
    expect(Object.keys(report.reasons)[0]).toMatch(
      /^file-.*: line \d+, C, Document.*Bal\/Amt: "x" is not a decimal amount/,
    );
  });

  test("a second run finds duplicates; a corrected statement is accepted in the place of the earlier one", async () => {
    await imported(importCamt, camt(statement("A", "3.00")));
    expect(await imported(importCamt, camt(statement("A", "3.00")))).toMatchObject({ accepted: 0, duplicate: 1 });
    expect(await imported(importCamt, camt(statement("A", "3.01")))).toMatchObject({ accepted: 1, refused: 0 });
  });

  test.each(["", "hello", "<a/>"])("what is no statement is refused: %j", async (content) => {
    expect(await imported(importCamt, content)).toMatchObject({ received: 1, refused: 1 });
  });
});

describe("pain.001", () => {
  const transfer = (id: string, amount = "10.00", currency = "EUR"): string =>
    `<CdtTrfTxInf><PmtId><EndToEndId>${id}</EndToEndId></PmtId><Amt><InstdAmt Ccy="${currency}">${amount}</InstdAmt></Amt>
<Cdtr><Nm>Payee
Ltd</Nm></Cdtr></CdtTrfTxInf>`;
  const pain = (...transfers: string[]): string =>
    `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId></GrpHdr>
<PmtInf><ReqdExctnDt><Dt>2026-01-30</Dt></ReqdExctnDt><DbtrAcct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></DbtrAcct>${transfers.join("")}</PmtInf>
</CstmrCdtTrfInitn></Document>`;

  test("payments leave the mirror of the debtor's account on their day, once", async () => {
    expect(
      await imported(importPain001, pain(transfer("E1"), transfer("E2", "x"), transfer("E3", "0.01"))),
    ).toMatchObject({ received: 3, accepted: 2, refused: 1 });
    expect(await balanceOf("bank:NL26VAYB8060476890")).toBe(-1_001);
    expect(await balanceOf("world:bank:EUR", "2026-01-29")).toBe(0);
    expect(await imported(importPain001, pain(transfer("E1"), transfer("E2"), transfer("E3", "0.01")))).toMatchObject({
      accepted: 1,
      duplicate: 2,
    });
    const posted = await call(ledger.transactionByReference, { reference: "pain001:M1:1" });
    expect(posted.metadata).toEqual({ endToEndId: "E1", creditor: "Payee Ltd" });
  });

  test("the account's other currency is refused by the ledger, with its reason", async () => {
    const report = await imported(importPain001, pain(transfer("E1"), transfer("E2", "7", "JPY")));
    expect(report).toMatchObject({
      accepted: 1,
      refused: 1,
      reasons: { "pain001:M1:1: the account bank:NL26VAYB8060476890 is kept in another currency": 1 },
    });
  });

  test("what the ledger does not take as input refuses that payment alone", async () => {
    const report = await imported(
      importPain001,
      pain(transfer("E1"), transfer("E2")).replace("2026-01-30", "1850-01-30"),
    );
    expect(report).toMatchObject({ accepted: 0, refused: 2 });
    expect(Object.keys(report.reasons)[0]).toMatch(/effectiveAt: must lie in the years 1900 to 2199/);
  });

  test("the statement that repeats a payment is matched to it by its EndToEndId", async () => {
    await imported(importPain001, pain(transfer("E1")));
    const entry = `<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-01</Dt></BookgDt>
<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>`;
    const camt = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>S</Id>
<Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct>${entry}</Stmt></BkToCstmrStmt></Document>`;
    await imported(importCamt, camt);
    await app.settled();
    expect(await call(reconciliation.run, { account: "NL26VAYB8060476890" })).toMatchObject({
      matchedCount: 1,
      openCount: 0,
    });
  });
});

const data = new URL("../../../../../shared/data/neopay/", import.meta.url);

describe.skipIf(!existsSync(data))("real files (skipped where ../shared/data/neopay is absent)", () => {
  test("the bank's year is posted whole, and its own balances drift on 1,187 days", async () => {
    const files = [fileURLToPath(new URL("berka-transactions.csv", data))];
    const run = () => importBerka({ files, call, signal: new AbortController().signal, progress: () => {} });
    const first = await run();
    expectConserved(first);
    expect(first).toMatchObject({
      received: 30_200,
      accepted: 30_200,
      duplicate: 0,
      refused: 0,
      breaks: { length: 1_187 },
    });
    expect(await trialDifference()).toEqual([0]);
    expect((await call(ledger.accounts, { prefix: "berka:", limit: 1_000 })).accounts).toHaveLength(354);
    expect(await run()).toEqual({ ...first, accepted: 0, duplicate: 30_200 });
  }, 120_000);
});
