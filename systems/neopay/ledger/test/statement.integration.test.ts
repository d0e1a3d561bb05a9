import { createApiKeyAuthenticator, createGateway, type Gateway, hashApiKey } from "@banyan/gateway";
import { parseStatements } from "@banyan/neopay-bank-files";
import { pino } from "pino";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { type OpenLedger, openLedger, ownerOf } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
});
afterAll(() => books.close());

const january = { from: "2026-01-01", to: "2026-01-31" };

async function accountsOf(tenant: string, currency: string) {
  const identity = ownerOf(tenant);
  const call: OpenLedger["app"]["call"] = (action, input) => books.app.call(action, input, { identity });
  for (const address of ["world:bank", "a"]) await call(ledger.openAccount, { address, currency, floorMinor: null });
  let count = 0;
  const transfer = (changeMinor: number, effectiveAt: string, reference = `t${++count}`) => {
    const [source, destination] = changeMinor < 0 ? ["a", "world:bank"] : ["world:bank", "a"];
    return {
      reference,
      effectiveAt,
      postings: [{ source, destination, amountMinor: Math.abs(changeMinor), currency }],
    };
  };
  return { identity, call, transfer };
}

test.each(["JPY", "EUR", "KWD"])(
  "a statement of %s has what counts from the first day to the last, in that order, and both documents tie",
  async (currency) => {
    const { call, transfer } = await accountsOf(`order-${currency}`, currency);
    const transactions = [
      transfer(-1_000, "2025-12-31T23:59:59.999Z"),
      transfer(400, "2026-01-31T23:59:59.999Z"),
      // Recorded later than what comes after it, and of an instant of its own.
      transfer(-70, "2026-01-01T00:00:00Z", "=the & first"),
      transfer(30, "2026-01-31T23:59:59.999Z"),
      transfer(5_000, "2026-02-01T00:00:00Z"),
      transfer(2, "2026-01-15T01:30:00+02:00"),
    ];
    await call(ledger.postBulk, { transactions });
    const wanted = {
      currency,
      opening: { amountMinor: -1_000 },
      closing: { amountMinor: -638 },
      ties: true,
      entries: [
        { amountMinor: 70, direction: "debit", bookedOn: "2026-01-01", details: [{ endToEndId: "=the & first" }] },
        { amountMinor: 2, direction: "credit", bookedOn: "2026-01-14", details: [{ endToEndId: "t5" }] },
        { amountMinor: 400, direction: "credit", bookedOn: "2026-01-31", details: [{ endToEndId: "t2" }] },
        { amountMinor: 30, direction: "credit", bookedOn: "2026-01-31", details: [{ endToEndId: "t3" }] },
      ],
    };
    for (const print of [ledger.statementCamt053, ledger.statementCsv]) {
      const { content } = await call(print, { address: "a", ...january });
      expect(parseStatements(content)).toMatchObject({ statements: [wanted], problems: [] });
    }
    for (const [at, on] of [
      [wanted.opening, "2025-12-31"],
      [wanted.closing, "2026-01-31"],
    ] as const) {
      expect(await call(ledger.balance, { address: "a", at: on })).toMatchObject({ balanceMinor: at.amountMinor });
    }
    const { content } = await call(ledger.statementCsv, { address: "a", ...january });
    const balances = content
      .split("\r\n")
      .slice(1, -1)
      .map((row) => row.split(",")[6]?.replace(".", ""));
    const tail = currency === "KWD" ? "0" : "";
    expect(balances.map(Number)).toEqual([-1_070, -1_068, -668, -638].map((minor) => Number(`${minor}${tail}`)));
    const { id } = await call(ledger.transactionByReference, { reference: "t5" });
    expect(content).toContain(`"${id.replaceAll("-", "")}","t5","world:bank"`);
  },
);

test("a wrong span, an account that is none and one of another tenant are refused by name", async () => {
  const { call } = await accountsOf("refused", "EUR");
  for (const print of [ledger.statementCamt053, ledger.statementCsv]) {
    const refused = (input: Partial<typeof january & { address: string }>) =>
      call(print, { address: "a", ...january, ...input }).then(
        () => "answered",
        (fault: { code: string; details: unknown }) => [fault.code, JSON.stringify(fault.details)],
      );
    expect(await refused({ from: "2026-02-01" })).toEqual(["kernel.invalidInput", expect.stringContaining('"from"')]);
    expect(await refused({ to: "2026-02-30" })).toEqual(["kernel.invalidInput", expect.stringContaining('"to"')]);
    expect(await refused({ from: "0000-01-01" })).toEqual(["kernel.invalidInput", expect.stringContaining('"from"')]);
    expect(await refused({ address: "b" })).toEqual(["ledger.accountNotFound", '{"account":"b"}']);
    const nobody = { identity: ownerOf("somebody-else") };
    await expect(books.app.call(print, { address: "a", ...january }, nobody)).rejects.toMatchObject({
      code: "ledger.accountNotFound",
    });
    const writer = { identity: { ...ownerOf("refused"), permissions: new Set(["ledger:write"]) } };
    await expect(books.app.call(print, { address: "a", ...january }, writer)).rejects.toMatchObject({
      code: "kernel.forbidden",
    });
  }
});

test("10,000 entries are a statement, and one more is too many, however few days they are of", async () => {
  const { call, transfer } = await accountsOf("long", "EUR");
  const post = (transactions: readonly ReturnType<typeof transfer>[]) =>
    call(ledger.postBulk, { transactions: [...transactions] });
  for (const day of ["01", "02"]) {
    await post(Array.from({ length: 5_000 }, (_, n) => transfer(n % 3 === 0 ? -1 : 2, `2026-01-${day}T12:00:00Z`)));
  }
  const { content } = await call(ledger.statementCamt053, { address: "a", ...january });
  const [read] = parseStatements(content).statements;
  expect(read).toMatchObject({ ties: true, closing: { amountMinor: 9_998 } });
  expect(read?.entries).toHaveLength(10_000);

  await post([transfer(1, "2026-01-31T12:00:00Z")]);
  await expect(call(ledger.statementCsv, { address: "a", ...january })).rejects.toMatchObject({
    code: "ledger.statementTooLong",
    details: { account: "a", entryCount: 10_001, entriesMax: 10_000 },
  });
  const rest = await call(ledger.statementCsv, { address: "a", from: "2026-01-03", to: "2026-01-31" });
  expect(parseStatements(rest.content).statements).toMatchObject([{ opening: { amountMinor: 9_998 }, ties: true }]);
});

test("over HTTP they are documents of their types, and what is wrong with the days is told by its field", async () => {
  const { call, transfer, identity } = await accountsOf("http", "EUR");
  await call(ledger.post, transfer(1_25, "2026-01-05T12:00:00Z"));
  const key = "a-key-for-tests-0123456789-0123456789";
  const authenticator = createApiKeyAuthenticator([{ hash: hashApiKey(key), identity }]);
  const log = pino({ level: "silent" });
  const gateway: Gateway = createGateway({ app: books.app, authenticator, title: "test", version: "0", port: 0, log });
  try {
    const { url } = await gateway.listen();
    const get = async (path: string) => {
      const answer = await fetch(`${url}/v1/accounts/a/statement/${path}`, {
        headers: { authorization: `Bearer ${key}` },
      });
      return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
    };
    const days = "from=2026-01-01&to=2026-01-31";
    const xml = await get(`camt053?${days}`);
    expect(xml).toMatchObject({ status: 200, type: "application/xml; charset=utf-8" });
    const csv = await get(`csv?${days}`);
    expect(csv).toMatchObject({ status: 200, type: "text/csv; charset=utf-8" });
    for (const { text } of [xml, csv]) {
      expect(parseStatements(text).statements).toMatchObject([{ ties: true, closing: { amountMinor: 125 } }]);
    }
    expect(await get("csv?from=2026-01-01")).toMatchObject({ status: 400, text: expect.stringContaining('"to"') });
  } finally {
    await gateway.close();
  }
});
