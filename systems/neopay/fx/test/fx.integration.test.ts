import { type App, createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { fx } from "../src/contract.ts";
import { fxService } from "../src/index.ts";

let database: TestDatabase;
let app: App;
let turnedMs = 0;
const patience = { timeout: 20_000, interval: 30 };
const euros = "users:eve:wallet";
const dollars = "users:eve:dollars";

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [ledgerService, fxService],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
    clock: { now: () => Date.now() + turnedMs, monotonic: () => performance.now() },
  });
  await app.start();
  await app.call(ledger.openAccount, { address: "world:till", currency: "EUR", floorMinor: null });
  await app.call(ledger.openAccount, { address: euros, currency: "EUR" });
  await app.call(ledger.openAccount, { address: dollars, currency: "USD" });
  const postings = [{ source: "world:till", destination: euros, amountMinor: 100_00, currency: "EUR" }];
  await app.call(ledger.post, { reference: "till", postings });
  await app.call(fx.setRate, { sourceCurrency: "EUR", targetCurrency: "USD", rate: "1.0842" });
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
});

const quote = (sourceMinor: number, validForMs = 900_000) =>
  app.call(fx.quote, { sourceCurrency: "EUR", targetCurrency: "USD", sourceMinor, validForMs });
const convert = (quoteId: string) => app.call(fx.convert, { quoteId, source: euros, destination: dollars });
const balanceOf = async (address: string) => (await app.call(ledger.account, { address })).balanceMinor;
const settled = (id: string) =>
  expect.poll(async () => (await app.call(fx.conversion, { id })).status, patience).not.toBe("pending");

test("a quote becomes one transaction of the ledger, by an account per currency, and the remainder is kept in view", async () => {
  const { id: quoteId, targetMinor, remainder } = await quote(33_33);
  expect([targetMinor, remainder]).toEqual([36_13, "0.6386"]);
  const { id } = await convert(quoteId);
  await settled(id);
  const conversion = await app.call(fx.conversion, { id });
  expect(conversion).toMatchObject({ status: "posted", reason: null });
  const { postings } = await app.call(ledger.transaction, { id: conversion.transactionId ?? "" });
  expect(postings).toEqual([
    { source: euros, destination: "fx:EUR", amountMinor: 33_33, currency: "EUR" },
    { source: "fx:USD", destination: dollars, amountMinor: 36_13, currency: "USD" },
  ]);
  expect((await app.call(fx.positions, {})).positions).toEqual([
    {
      sourceCurrency: "EUR",
      targetCurrency: "USD",
      conversionCount: 1,
      sourceMinor: 33_33,
      targetMinor: 36_13,
      remainder: "0.6386",
    },
  ]);
  const { currencies } = await app.call(ledger.trialBalance, {});
  expect(currencies.map(({ differenceMinor }) => differenceMinor)).toEqual([0, 0]);
});

test("a quote is used once, however many try", async () => {
  const before = await balanceOf("fx:EUR");
  const { id: quoteId } = await quote(1_00);
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => convert(quoteId)));
  const taken = tries.filter(({ status }) => status === "fulfilled");
  expect(taken).toHaveLength(1);
  const refused = tries.flatMap((one) => (one.status === "rejected" ? [(one.reason as { code: string }).code] : []));
  expect(new Set(refused)).toEqual(new Set(["fx.quoteUsed"]));
  await expect.poll(() => balanceOf("fx:EUR"), { ...patience }).toBe(before + 1_00);
});

test("an expired quote is a typed fault, and a quote that holds keeps its rate when another is set", async () => {
  const [short, long] = [await quote(1_00, 1_000), await quote(1_00)];
  await app.call(fx.setRate, { sourceCurrency: "EUR", targetCurrency: "USD", rate: "0.5" });
  turnedMs += 1_001;
  await expect(convert(short.id)).rejects.toMatchObject({
    code: "fx.quoteExpired",
    kind: "conflict",
    details: { quoteId: short.id, expiredAt: short.expiresAt },
  });
  const { id } = await convert(long.id);
  await settled(id);
  expect(await app.call(fx.findQuote, { id: long.id })).toMatchObject({ rate: "1.0842", targetMinor: 1_08 });
});

test("what the ledger refuses fails for good, and nothing moves", async () => {
  const before = await Promise.all([euros, dollars].map(balanceOf));
  const { id } = await convert((await quote(1_000_00)).id);
  await settled(id);
  expect(await app.call(fx.conversion, { id })).toMatchObject({
    status: "failed",
    reason: "ledger.insufficientFunds",
    transactionId: null,
  });
  expect(await Promise.all([euros, dollars].map(balanceOf))).toEqual(before);
});

test.each([
  [{ sourceCurrency: "EUR", targetCurrency: "JPY", sourceMinor: 1 }, "fx.noRate"],
  [{ sourceCurrency: "EUR", targetCurrency: "EUR", sourceMinor: 1 }, "fx.sameCurrency"],
  [{ sourceCurrency: "EUR", targetCurrency: "USD", sourceMinor: 1 }, "fx.amountOutOfRange"],
  [{ sourceCurrency: "EUR", targetCurrency: "USD" }, "kernel.invalidInput"],
  [{ sourceCurrency: "EUR", targetCurrency: "USD", sourceMinor: 1, targetMinor: 1 }, "kernel.invalidInput"],
])("%j is refused: %s", async (input, code) => {
  await expect(app.call(fx.quote, input)).rejects.toMatchObject({ code });
});
