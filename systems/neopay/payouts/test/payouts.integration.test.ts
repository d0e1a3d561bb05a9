import type { Identity, Returned } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { parsePain001 } from "@banyan/neopay-bank-files";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { statementsService } from "@banyan/neopay-statements";
import { statements } from "@banyan/neopay-statements/contract";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { payouts } from "../src/contract.ts";
import { payoutsService } from "../src/index.ts";
import { notification, statusReport } from "./bank-answers.ts";

let database: TestDatabase;
let app: App;
const patience = { timeout: 20_000, interval: 30 };
const person = (subject: string): Identity => ({ subject, tenant: "default", permissions: new Set(["*"]) });
const [maker, checker] = [{ identity: person("mia") }, { identity: person("otto") }];
const iban = "DE89370400440532013000";
const debtor = { name: "NeoPay", account: iban };

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [ledgerService, statementsService, payoutsService],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
  });
  await app.start();
  await app.call(ledger.openAccount, { address: "world:till", currency: "EUR", floorMinor: null });
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
});

const settlement = (merchant: string) => `merchants:${merchant}:settlement`;
const balanceOf = async (address: string) => (await app.call(ledger.account, { address })).balanceMinor;

/** A merchant with money, and an account to pay it to. */
async function merchant(code: string, amountMinor: number) {
  const address = settlement(code);
  await app.call(ledger.openAccount, { address, currency: "EUR" });
  const postings = [{ source: "world:till", destination: address, amountMinor, currency: "EUR" }];
  await app.call(ledger.post, { reference: `sales ${code}`, postings });
  await app.call(payouts.setBeneficiary, {
    merchant: code,
    currency: "EUR",
    name: `${code} & Co`,
    account: "GB82WEST12345698765432",
  });
}

const draft = (...merchants: string[]) => app.call(payouts.createBatch, { currency: "EUR", debtor, merchants }, maker);
const batchOf = (id: string) => app.call(payouts.batch, { id });

/** A batch that is with the bank. */
async function sent(...merchants: string[]): Promise<Returned<typeof payouts.batch>> {
  const { id } = await draft(...merchants);
  await app.call(payouts.approveBatch, { id }, checker);
  await expect.poll(async () => (await batchOf(id)).status, patience).toBe("sent");
  return await batchOf(id);
}

test("a batch takes what merchants have, waits for somebody else's approval, and is a pain.001 then", async () => {
  await merchant("ant", 120_00);
  await merchant("bee", 5_55);
  const { id, payouts: planned } = await draft("ant", "bee");
  expect(planned).toMatchObject([
    { merchant: "ant", amountMinor: 120_00, status: "planned" },
    { merchant: "bee", amountMinor: 5_55, status: "planned" },
  ]);
  await expect(app.call(payouts.approveBatch, { id }, maker)).rejects.toMatchObject({
    code: "payouts.approverIsCreator",
    kind: "forbidden",
  });
  await expect(app.call(payouts.pain001, { id })).rejects.toMatchObject({ code: "payouts.batchNotSent" });
  expect(await balanceOf(settlement("ant"))).toBe(120_00);

  await app.call(payouts.approveBatch, { id }, checker);
  await expect.poll(async () => (await batchOf(id)).status, patience).toBe("sent");
  await expect(app.call(payouts.approveBatch, { id }, checker)).rejects.toMatchObject({
    code: "payouts.batchNotDraft",
  });
  expect(await batchOf(id)).toMatchObject({
    createdBy: "mia",
    approvedBy: "otto",
    payouts: [{ status: "instructed" }, {}],
  });
  expect(await Promise.all(["ant", "bee"].map((code) => balanceOf(settlement(code))))).toEqual([0, 0]);
  expect(await balanceOf(`bank:${iban}`)).toBe(-125_55);

  const { content } = await app.call(payouts.pain001, { id });
  const { payments, problems } = parsePain001(content);
  expect(problems).toEqual([]);
  expect(payments).toMatchObject([
    { amountMinor: 120_00, currency: "EUR", debtor: { account: iban }, creditor: { name: "ant & Co" } },
    { amountMinor: 5_55 },
  ]);
  expect(await app.call(payouts.pain001, { id })).toEqual({ content });
});

test("beneficiaries are read page by page, each once, also where a merchant has more currencies than a page has lines", async () => {
  const identity = { identity: { ...person("mia"), tenant: "paged" } };
  const wanted = ["fox:CHF", "fox:EUR", "fox:USD", "gnu:EUR"];
  for (const [merchantCode = "", currency = ""] of wanted.map((one) => one.split(":"))) {
    const account = "GB82WEST12345698765432";
    await app.call(payouts.setBeneficiary, { merchant: merchantCode, currency, name: merchantCode, account }, identity);
  }
  const read: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const asked = { limit: 2, ...(after !== undefined && { after }) };
    const page: Returned<typeof payouts.beneficiaries> = await app.call(payouts.beneficiaries, asked, identity);
    read.push(...page.beneficiaries.map(({ merchant: code, currency }) => `${code}:${currency}`));
    after = page.next;
  }
  expect(read).toEqual(wanted);
  await expect(app.call(payouts.beneficiaries, { after: "fox" })).rejects.toMatchObject({
    code: "kernel.invalidInput",
    details: { issues: [{ path: "after" }] },
  });
});

test("of the bank's answer, what was paid is sent and what was rejected goes back; told again, nothing changes", async () => {
  await merchant("cat", 10_00);
  await merchant("dog", 20_00);
  await merchant("elk", 30_00);
  const { id, payouts: instructed } = await sent("cat", "dog", "elk");
  const [cat = "", dog = "", elk = ""] = instructed.map(({ endToEndId }) => endToEndId);
  const report = statusReport({ [cat]: "ACSC", [dog]: "RJCT", [elk]: "ACSP", "not-ours": "RJCT" });
  const take = () => app.call(payouts.takeStatusReport, { content: report });
  expect(await take()).toEqual({ sentCount: 1, rejectedCount: 1, unchangedCount: 1, unknown: ["not-ours"] });
  await expect
    .poll(async () => (await batchOf(id)).payouts.map(({ status }) => status), patience)
    .toEqual(["sent", "returned", "instructed"]);
  expect(await take()).toEqual({ sentCount: 0, rejectedCount: 0, unchangedCount: 3, unknown: ["not-ours"] });
  expect((await batchOf(id)).payouts[1]).toMatchObject({ reason: "AC04" });
  expect(await Promise.all(["cat", "dog", "elk"].map((code) => balanceOf(settlement(code))))).toEqual([0, 20_00, 0]);
});

test("a whole batch that is rejected goes back whole", async () => {
  await merchant("fox", 1_00);
  await merchant("gnu", 2_00);
  const { id } = await sent("fox", "gnu");
  const report = statusReport({}, { messageId: id.replaceAll("-", ""), status: "RJCT" });
  expect(await app.call(payouts.takeStatusReport, { content: report })).toMatchObject({ rejectedCount: 2 });
  await expect
    .poll(() => Promise.all(["fox", "gnu"].map((code) => balanceOf(settlement(code)))), patience)
    .toEqual([1_00, 2_00]);
});

test.each([
  ["in order", ["DBIT", "CRDT"]],
  ["out of order", ["CRDT", "DBIT"]],
  ["and told twice", ["DBIT", "DBIT", "CRDT", "CRDT"]],
])("a payout that the bank booked and then sent back returns to its merchant once, %s", async (name, marks) => {
  const code = `hen-${name.replaceAll(" ", "-")}`;
  await merchant(code, 7_00);
  const { id, payouts: instructed } = await sent(code);
  const endToEndId = instructed[0]?.endToEndId ?? "";
  for (const [index, mark] of marks.entries()) {
    const content = notification({ id: `${code}-${index}`, account: iban, endToEndId, amount: "7.00", mark });
    await app.call(statements.import, { content });
  }
  await expect.poll(async () => (await batchOf(id)).payouts[0]?.status, patience).toBe("returned");
  expect(await balanceOf(settlement(code))).toBe(7_00);
});

test("a merchant that has spent its balance since is left out, and the others are paid", async () => {
  await merchant("ibis", 3_00);
  await merchant("jay", 4_00);
  const { id } = await draft("ibis", "jay");
  const postings = [{ source: settlement("ibis"), destination: "world:till", amountMinor: 1, currency: "EUR" }];
  await app.call(ledger.post, { reference: "ibis spends", postings });
  await app.call(payouts.approveBatch, { id }, checker);
  await expect
    .poll(async () => (await batchOf(id)).payouts.map(({ status, reason }) => [status, reason]), patience)
    .toEqual([
      ["refused", `ledger.insufficientFunds: the account ${settlement("ibis")} has 299 minor units available`],
      ["instructed", null],
    ]);
  const { payments } = parsePain001((await app.call(payouts.pain001, { id })).content);
  expect(payments).toMatchObject([{ amountMinor: 4_00 }]);
});

test("a batch of which the ledger gave nothing has no message to the bank", async () => {
  await merchant("mole", 3_00);
  const { id } = await draft("mole");
  const postings = [{ source: settlement("mole"), destination: "world:till", amountMinor: 1, currency: "EUR" }];
  await app.call(ledger.post, { reference: "mole spends", postings });
  await app.call(payouts.approveBatch, { id }, checker);
  await expect.poll(async () => (await batchOf(id)).status, patience).toBe("sent");
  await expect(app.call(payouts.pain001, { id })).rejects.toMatchObject({ code: "payouts.nothingInstructed" });
});

test("what arrives at the merchant's bank is no return, though it comes as a credit under the payout's id", async () => {
  await merchant("newt", 9_00);
  const { id, payouts: instructed } = await sent("newt");
  const [{ endToEndId = "", creditor } = {}] = instructed;
  const credit = { endToEndId, amount: "9.00", mark: "CRDT" };
  await app.call(statements.import, {
    content: notification({ id: "newt-arrives", account: creditor?.account ?? "", ...credit }),
  });
  await app.settled();
  expect((await batchOf(id)).payouts).toMatchObject([{ status: "instructed" }]);
  expect(await balanceOf(settlement("newt"))).toBe(0);
  await app.call(statements.import, { content: notification({ id: "newt-returns", account: iban, ...credit }) });
  await expect.poll(() => balanceOf(settlement("newt")), patience).toBe(9_00);
});

test("one approval of many is taken, and a canceled batch is never approved", async () => {
  await merchant("koi", 6_00);
  const { id } = await draft("koi");
  const tries = await Promise.allSettled(
    Array.from({ length: 10 }, () => app.call(payouts.approveBatch, { id }, checker)),
  );
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  await expect.poll(() => balanceOf(settlement("koi")), patience).toBe(0);

  await merchant("lynx", 8_00);
  const { id: other } = await draft("lynx");
  expect(await app.call(payouts.cancelBatch, { id: other }, maker)).toMatchObject({ status: "canceled" });
  await expect(app.call(payouts.approveBatch, { id: other }, checker)).rejects.toMatchObject({
    code: "payouts.batchNotDraft",
  });
  expect(await balanceOf(settlement("lynx"))).toBe(8_00);
});

test("nothing to pay, a wrong IBAN and an unreadable answer are refused", async () => {
  await expect(draft("nobody")).rejects.toMatchObject({ code: "payouts.nothingToPay" });
  const wrong = { merchant: "ant", currency: "EUR", name: "A", account: "GB83WEST12345698765432" };
  await expect(app.call(payouts.setBeneficiary, wrong)).rejects.toMatchObject({
    code: "kernel.invalidInput",
    message: expect.stringContaining("check digits"),
  });
  await expect(app.call(payouts.takeStatusReport, { content: "<a/>" })).rejects.toMatchObject({
    code: "payouts.unreadable",
  });
});
