import { createHash, createHmac } from "node:crypto";
import { merchants } from "@banyan/neopay-merchants/contract";
import { connect, statement } from "@banyan/sql-postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { payments } from "../src/contract.ts";
import { type OpenPayments, openPayments } from "./open-payments.ts";

let shop: OpenPayments;
beforeAll(async () => {
  shop = await openPayments(inject("postgresUrl"));
});
afterAll(() => shop?.close());

const call: OpenPayments["app"]["call"] = (...given) => shop.app.call(...given);
const authorize = (id: string, instrument: string) => call(payments.authorize, { id, instrument });

describe("a merchant", () => {
  const terms = {
    name: "Newcomer",
    currency: "EUR",
    feePlan: { basisPoints: 100, shares: [{ account: "fees:new", weight: 1 }] },
  };

  test("collects once it is approved, and no more when it is suspended", async () => {
    await call(merchants.onboard, { code: "new", ...terms });
    const create = () => call(payments.create, { ...given, merchant: "new", merchantTxnId: crypto.randomUUID() });
    const given = { orderId: "o", amountMinor: 1_00, currency: "EUR", method: "WALLET" } as const;
    const refusal = { code: "payments.merchantNotApproved", details: { resultCode: 30 } };
    await expect(create()).rejects.toMatchObject(refusal);
    await call(merchants.approve, { code: "new" });
    expect(await call(merchants.approve, { code: "new" })).toMatchObject({ status: "approved" });
    const { id } = await create();
    await call(merchants.suspend, { code: "new" });
    await expect(authorize(id, await shop.wallet("nia", 1_00))).rejects.toMatchObject(refusal);
    expect(await call(payments.find, { id })).toMatchObject({ status: "requires_payment_method", pending: null });
  });

  test("names a payment once, and signs with one of its keys", async () => {
    const { merchantTxnId, orderId } = await shop.create({ merchantTxnId: "txn-1" });
    await expect(shop.create({ merchantTxnId })).rejects.toMatchObject({ code: "payments.merchantTxnExists" });
    const { key } = await call(merchants.createKey, { code: "acme", name: "signs" });
    const secret = createHash("sha256").update(key).digest();
    const text = ["acme", "txn-2", orderId, 10_00, "EUR", "WALLET"].join("|");
    const signature = createHmac("sha256", secret).update(text).digest("hex");
    const signed = {
      merchant: "acme",
      merchantTxnId: "txn-2",
      orderId,
      amountMinor: 10_00,
      currency: "EUR",
      method: "WALLET",
      signature,
    } as const;
    await expect(call(payments.create, { ...signed, amountMinor: 9_00 })).rejects.toMatchObject({
      code: "payments.badSignature",
      details: { resultCode: 98 },
    });
    expect(await call(payments.create, signed)).toMatchObject({ merchantTxnId: "txn-2" });
  });
});

test("a movement and a hold are found by their keys, whatever the planner takes their tables for", async () => {
  const wallet = await shop.wallet("kim", 200_00);
  const made = await Promise.all(Array.from({ length: 8 }, () => shop.create({ capture: "manual" })));
  await Promise.all(made.map(({ id }) => authorize(id, wallet)));
  const [row] = await shop.run(`SELECT tenant, authorization_ref FROM payments.payment WHERE id = '${made[3]?.id}'`);
  const of = (...values: readonly unknown[]) => values.map((value) => `'{${value}}'`).join(", ");
  const [payment, movement, other] = [made[3]?.id, crypto.randomUUID(), crypto.randomUUID()];
  const connection = await connect({ url: shop.databaseUrl });
  try {
    const script = [
      "BEGIN",
      `SELECT payments.begin_movements('${row?.tenant}', now(), ${of(payment, movement, "capture", 100, 0)})`,
      `SELECT payments.end_movements('${row?.tenant}', now(),
        ${of(movement, "done", "NULL", "NULL", payment, "partially_captured", 1000, 100, 0, other)})`,
      `SELECT ledger.commit_holds('${row?.tenant}', now(), ${of(row?.authorization_ref, 100, other, other, "rest", "", "", "")})`,
      `SELECT relname, seq_tup_read + idx_tup_fetch AS read FROM pg_stat_xact_user_tables
        WHERE relname IN ('payment', 'movement', 'hold')`,
      "ROLLBACK",
    ];
    const results = await connection.run(script.map((text) => statement(text)));
    const counts = (results[4]?.rows ?? []).map(({ read }) => Number(read));
    expect(counts).toHaveLength(3);
    expect(Math.max(...counts)).toBeLessThan(made.length);
  } finally {
    await connection.close();
  }
});

describe("a limit", () => {
  test("by day refuses what would exceed it, however many come at once, and counts no payment that failed", async () => {
    await call(payments.setLimit, {
      merchant: "acme",
      name: "atm-day",
      method: "WALLET",
      perInstrument: true,
      dayMinorMax: 30_00,
    });
    const [rich, poor] = [await shop.wallet("oda", 900_00), await shop.wallet("pam", 1_00)];
    const failing = await shop.create();
    await expect(authorize(failing.id, poor)).rejects.toMatchObject({ code: "payments.refused" });
    const made = await Promise.all(Array.from({ length: 6 }, () => shop.create()));
    const tries = await Promise.allSettled(made.map(({ id }) => authorize(id, rich)));
    const refused = tries.flatMap((settled) => (settled.status === "rejected" ? [settled.reason] : []));
    expect(refused).toHaveLength(3);
    for (const reason of refused) {
      expect(reason).toMatchObject({
        code: "payments.limitExceeded",
        kind: "exhausted",
        details: { limit: "atm-day" },
      });
    }
    expect(await shop.run("SELECT used FROM payments.usage WHERE name = 'atm-day' ORDER BY instrument")).toEqual([
      { used: 30_00 },
      { used: 0 },
    ]);
  });

  test("of tries in a window counts those that fail, too", async () => {
    const limit = {
      merchant: "acme",
      name: "cards",
      method: "CC",
      perInstrument: true,
      countMax: 2,
      windowMs: 86_400_000,
    } as const;
    await call(payments.setLimit, limit);
    const card = await shop.card("doNotHonor");
    const tries: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const { id } = await shop.create({ method: "CC" });
      tries.push(
        await authorize(id, card).then(
          () => "paid",
          (error: { code: string }) => error.code,
        ),
      );
    }
    expect(tries).toEqual(["payments.refused", "payments.refused", "payments.limitExceeded"]);
  });
});

test("a merchant's limits are listed page by page, and one that is removed refuses nothing any more", async () => {
  const named = (name: string) => ({ merchant: "limited", name, dayMinorMax: 0 });
  for (const name of ["a", "b", "c"]) await call(payments.setLimit, named(name));
  const kept = { ...named("a"), method: null, perInstrument: false, countMax: null, windowMs: null };
  const first = await call(payments.limits, { merchant: "limited", limit: 2 });
  expect(first).toEqual({ limits: [kept, { ...kept, name: "b" }], next: "b" });
  expect(await call(payments.limits, { merchant: "limited", limit: 2, after: "b" })).toEqual({
    limits: [{ ...kept, name: "c" }],
    next: null,
  });

  const wallet = await shop.wallet("tom", 20_00);
  await call(payments.setLimit, { merchant: "acme", name: "nothing", method: "WALLET", dayMinorMax: 0 });
  const { id } = await shop.create();
  await expect(authorize(id, wallet)).rejects.toMatchObject({ code: "payments.limitExceeded" });
  const removed = { merchant: "acme", name: "nothing" };
  expect(await call(payments.removeLimit, removed)).toMatchObject({ ...removed, dayMinorMax: 0 });
  expect(await authorize(id, wallet)).toMatchObject({ status: "succeeded" });
  await expect(call(payments.removeLimit, removed)).rejects.toMatchObject({ code: "payments.limitNotFound" });
});

describe("a dispute", () => {
  async function disputed(name: string, amountMinor: number) {
    const wallet = await shop.wallet(name, 20_00);
    const { id } = await shop.create({ amountMinor: 20_00 });
    await authorize(id, wallet);
    return { wallet, id, dispute: await call(payments.openDispute, { id, amountMinor, reason: "not delivered" }) };
  }

  test("keeps its amount from refunds until it is won", async () => {
    const { id, dispute } = await disputed("quy", 15_00);
    await expect(call(payments.refund, { id, amountMinor: 5_01 })).rejects.toMatchObject({
      code: "payments.amountExceeded",
    });
    const told = await call(payments.submitEvidence, { id: dispute.id, kind: "receipt", text: "signed by Q." });
    expect(told.evidence).toMatchObject([{ kind: "receipt" }]);
    expect(await call(payments.closeDispute, { id: dispute.id, outcome: "won" })).toMatchObject({ status: "won" });
    await expect(call(payments.closeDispute, { id: dispute.id, outcome: "lost" })).rejects.toMatchObject({
      code: "payments.disputeClosed",
    });
    expect(await call(payments.refund, { id, amountMinor: 20_00 })).toMatchObject({ refundedMinor: 20_00 });
  });

  test("is listed by its merchant and status, oldest first and page by page", async () => {
    const [older, newer] = [await disputed("uma", 1_00), await disputed("vic", 2_00)];
    const open = async (given: object) => await call(payments.disputes, { status: "open", ...given });
    const page = await open({ merchant: "acme", limit: 1 });
    expect(page).toMatchObject({ disputes: [{ id: older.dispute.id }], next: older.dispute.id });
    expect(await open({ merchant: "acme", after: page.next })).toMatchObject({
      disputes: [{ id: newer.dispute.id }],
      next: null,
    });
    await call(payments.closeDispute, { id: older.dispute.id, outcome: "won" });
    expect((await open({})).disputes).toMatchObject([{ id: newer.dispute.id }]);
    expect((await open({ merchant: "other" })).disputes).toEqual([]);
    await call(payments.closeDispute, { id: newer.dispute.id, outcome: "won" });
    expect((await open({})).disputes).toEqual([]);
  });

  test("that is lost takes the money from the merchant, once", async () => {
    const { wallet, dispute } = await disputed("ria", 15_00);
    const gained = await shop.gains([wallet, "merchants:acme:settlement"], async () => {
      const closing = Array.from({ length: 5 }, () => call(payments.closeDispute, { id: dispute.id, outcome: "lost" }));
      const done = (await Promise.allSettled(closing)).filter((settled) => settled.status === "fulfilled");
      expect(done).toHaveLength(1);
    });
    expect(gained).toEqual([15_00, -15_00]);
  });
});

test("the database itself refuses to capture beyond what is authorised, or to give back beyond what was captured", async () => {
  const wallet = await shop.wallet("sue", 50_00);
  const { id } = await shop.create();
  await authorize(id, wallet);
  await expect(shop.run(`UPDATE payments.payment SET captured_minor = 1001 WHERE id = '${id}'`)).rejects.toMatchObject({
    constraint: "payment_captures_at_most_authorized",
  });
  await expect(
    shop.run(`UPDATE payments.payment SET refunded_minor = 600, disputed_minor = 401 WHERE id = '${id}'`),
  ).rejects.toMatchObject({ constraint: "payment_gives_back_at_most_captured" });
});
