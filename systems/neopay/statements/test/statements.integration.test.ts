import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type App, createApp } from "@banyan/kernel/app";
import { decodeDocument, writeCamt053 } from "@banyan/neopay-bank-files";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { statements } from "../src/contract.ts";
import { statementsService } from "../src/index.ts";
import { camt053, entry, statement } from "./camt-document.ts";

let database: TestDatabase;
let app: App;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [statementsService],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
  });
  await app.start();
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
});

const identityOf = (tenant: string) => ({ subject: "test", tenant, permissions: new Set(["*"]) });
/** Imports on behalf of a tenant of the test's own. */
const importAs = (tenant: string, content: string) =>
  app.call(statements.import, { content }, { identity: identityOf(tenant) });

test("a statement is stored with its entries and read back as it was sent", async () => {
  const content = camt053(statement({ entries: entry("8.00") + entry("0.85") }));
  const { statements: imported, problems } = await importAs("a", content);
  expect(problems).toEqual([]);
  expect(imported).toMatchObject([
    { statementId: "S1", ties: true, breakMinor: 0, entryCount: 2, duplicate: false, replacesId: null },
  ]);
  const id = imported[0]?.id ?? "";
  const found = await app.call(statements.find, { id }, { identity: identityOf("a") });
  expect(found).toMatchObject({
    id,
    account: "NL26VAYB8060476890",
    opening: { amountMinor: 1815 },
    balances: [{ kind: "OPBD" }, { kind: "CLBD" }],
  });
  const first = await app.call(statements.entries, { id, limit: 1 }, { identity: identityOf("a") });
  expect(first).toMatchObject({ entries: [{ index: 1, amountMinor: 800, bookedOn: "2026-01-31" }], next: 1 });
  const rest = await app.call(statements.entries, { id, after: 1 }, { identity: identityOf("a") });
  expect(rest).toMatchObject({ entries: [{ index: 2, amountMinor: 85 }], next: null });
});

describe("the same statement again", () => {
  const listed = async (tenant: string) =>
    (await app.call(statements.list, {}, { identity: identityOf(tenant) })).statements;

  test("has no effect, and the answer names the stored one", async () => {
    const [first] = (await importAs("b", camt053(statement()))).statements;
    const [second] = (await importAs("b", camt053(statement()).replace("M1", "M2"))).statements;
    expect(second).toMatchObject({ id: first?.id, duplicate: true, replacesId: null });
    expect(await listed("b")).toHaveLength(1);
  });

  test("under a new id is known by its content", async () => {
    const [first] = (await importAs("c", camt053(statement()))).statements;
    const [second] = (await importAs("c", camt053(statement({ id: "S2" })))).statements;
    expect(second).toMatchObject({ id: first?.id, duplicate: true, replacesId: null });
  });

  test("with other content replaces the earlier one, which stays readable", async () => {
    const [first] = (await importAs("d", camt053(statement()))).statements;
    const [second] = (await importAs("d", camt053(statement({ closing: "27.05" })))).statements;
    expect(second).toMatchObject({ duplicate: false, replacesId: first?.id, ties: false, breakMinor: 5 });
    expect(await listed("d")).toMatchObject([
      { id: first?.id, ties: true, replacedById: second?.id },
      { id: second?.id, ties: false, replacedById: null },
    ]);
    const [again] = (await importAs("d", camt053(statement()))).statements;
    expect(again).toMatchObject({ id: first?.id, duplicate: true });
  });

  test("from another opening balance is another statement: banks use ids and sequences again", async () => {
    await importAs("n", camt053(statement()));
    const later = camt053(statement({ opening: "27.00", closing: "35.85" }));
    expect((await importAs("n", later)).statements).toMatchObject([{ duplicate: false, replacesId: null, ties: true }]);
  });

  test("corrected by 10 senders at once leaves one that is not replaced", async () => {
    await Promise.all(
      Array.from({ length: 10 }, (_, at) => importAs("o", camt053(statement({ closing: `27.${at}0` })))),
    );
    expect((await listed("o")).filter(({ replacedById }) => replacedById === null)).toHaveLength(1);
  });

  test("on two quiet days is two statements", async () => {
    const quiet = (id: string): string => camt053(statement({ id, opening: "1.00", closing: "1.00", entries: "" }));
    await importAs("e", quiet("S1"));
    expect((await importAs("e", quiet("S2"))).statements).toMatchObject([{ duplicate: false }]);
  });

  test("without balances is known by its id alone", async () => {
    const rows = (id: string, amount = "5,00"): string =>
      `account;currency;statement;bookedOn;amount\nA;EUR;${id};2026-01-05;${amount}\n`;
    await importAs("m", rows("S1"));
    expect((await importAs("m", rows("S2"))).statements).toMatchObject([{ duplicate: false }]);
    expect((await importAs("m", rows("S1"))).statements).toMatchObject([{ duplicate: true, replacesId: null }]);
    expect((await importAs("m", rows("S1", "6,00"))).statements).toMatchObject([
      { duplicate: false, replacesId: expect.any(String) },
    ]);
  });

  test("from 20 senders at once is stored once, with one event", async () => {
    const told: string[] = [];
    const stop = app.inspect((record) => {
      if (record.kind === "event") told.push(record.id);
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => importAs("f", camt053(statement()))));
    stop();
    expect(answers.filter(({ statements: [only] }) => only?.duplicate === false)).toHaveLength(1);
    expect(new Set(answers.map(({ statements: [only] }) => only?.id)).size).toBe(1);
    expect(told).toEqual(["statements.imported"]);
  });
});

test("a camt.053 of our own is the same whenever it is written, and replaced where an entry was backdated into it", async () => {
  const line = { reference: "R", counterparty: "world:bank", on: "2026-01-05", changeMinor: 100 };
  const written = (count: number, createdAt: Date) => {
    const lines = Array.from({ length: count }, (_, at) => {
      return { ...line, number: at + 1, id: `T${at + 1}`, balanceMinor: (at + 1) * 100 };
    });
    const days = { from: "2026-01-01", to: "2026-01-31" };
    return writeCamt053({ account: "users:ann", currency: "EUR", ...days, createdAt, openingMinor: 0, lines });
  };
  const [first] = (await importAs("own", written(1, new Date(1)))).statements;
  expect(first).toMatchObject({ statementId: "2026-01-01/2026-01-31", ties: true, duplicate: false });
  expect((await importAs("own", written(1, new Date(2)))).statements).toMatchObject([
    { id: first?.id, duplicate: true },
  ]);
  expect((await importAs("own", written(2, new Date(3)))).statements).toMatchObject([
    { duplicate: false, replacesId: first?.id, ties: true },
  ]);
});

test("a broken statement is told beside the good ones, which are stored", async () => {
  const content = camt053(statement({ id: "A" }) + statement({ id: "B", entries: entry("x") }));
  expect(await importAs("g", content)).toMatchObject({
    statements: [{ statementId: "A" }],
    problems: [{ statementId: "B", line: expect.any(Number) }],
  });
});

test("a document without one good statement is a fault with the line, and nothing is stored", async () => {
  const fault = await importAs("h", camt053(statement({ entries: entry("x") }))).catch((error: unknown) => error);
  expect(statements.faults.unreadable.is(fault)).toBe(true);
  expect(fault).toMatchObject({ kind: "invalid", message: expect.stringMatching(/line \d+.*Ntry\/Amt/) });
});

test("a list goes on where it stopped, and another tenant sees nothing of it", async () => {
  for (const id of ["1", "2", "3"])
    await importAs("i", camt053(statement({ id, opening: `${id}.00`, closing: `${Number(id) + 8}.85` })));
  const page = await app.call(statements.list, { limit: 2 }, { identity: identityOf("i") });
  expect(page.statements.map(({ statementId }) => statementId)).toEqual(["1", "2"]);
  const next = await app.call(statements.list, { limit: 2, after: page.next ?? 0 }, { identity: identityOf("i") });
  expect(next).toMatchObject({ statements: [{ statementId: "3" }], next: null });
  const id = page.statements[0]?.id ?? "";
  await expect(app.call(statements.find, { id }, { identity: identityOf("j") })).rejects.toMatchObject({
    code: "statements.unknownStatement",
  });
  await expect(app.call(statements.entries, { id }, { identity: identityOf("j") })).rejects.toMatchObject({
    code: "statements.unknownStatement",
  });
});

test("half a surrogate, a quote and a backslash are stored as text", async () => {
  const content = `account;currency;bookedOn;amount;description\nA;EUR;2026-01-05;5,00;"x\ud800 ""{\\}' \u2028"\n`;
  const id = (await importAs("k", content)).statements[0]?.id ?? "";
  const { entries } = await app.call(statements.entries, { id }, { identity: identityOf("k") });
  expect(entries[0]?.description).toBe("x\ufffd \"{\\}' \u2028");
});

const camt = new URL("../../../../../shared/data/neopay/camt/", import.meta.url);

test.skipIf(!existsSync(camt))(
  "every real camt file is stored or refused (skipped where ../shared/data/neopay is absent)",
  async () => {
    for (const [at, file] of readdirSync(camt).entries()) {
      const answer = importAs(`real-${at}`, decodeDocument(readFileSync(new URL(file, camt))));
      if (file.includes("wrong")) await expect(answer).rejects.toMatchObject({ code: "statements.unreadable" });
      else
        expect(await answer).toMatchObject({
          problems: [],
          statements: [{ duplicate: false }, ...(file.includes("multi") ? [{ ties: true }] : [])],
        });
    }
  },
);
