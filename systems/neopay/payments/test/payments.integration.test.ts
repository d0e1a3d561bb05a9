import { ledger } from "@banyan/neopay-ledger/contract";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { payments } from "../src/contract.ts";
import { type OpenPayments, openPayments } from "./open-payments.ts";

const settlement = "merchants:acme:settlement";
const fees = "fees:acme";
const patience = { timeout: 20_000, interval: 50 };
let shop: OpenPayments;
beforeAll(async () => {
  shop = await openPayments(inject("postgresUrl"), { lateMs: 900 });
});
afterAll(() => shop?.close());

const call: OpenPayments["app"]["call"] = (...given) => shop.app.call(...given);
const authorize = (id: string, instrument?: string) =>
  call(payments.authorize, { id, ...(instrument && { instrument }) });

describe("a wallet", () => {
  test("pays, and the merchant gets what the fee leaves", async () => {
    const wallet = await shop.wallet("ann", 50_00);
    const { id, status, resultCode } = await shop.create({ amountMinor: 20_00 });
    expect({ status, resultCode }).toEqual({ status: "requires_payment_method", resultCode: 99 });
    const gained = await shop.gains([wallet, settlement, fees], async () => {
      expect(await authorize(id, wallet)).toMatchObject({ status: "succeeded", resultCode: 0, capturedMinor: 20_00 });
    });
    expect(gained).toEqual([-20_00, 19_12, 88]);
  });

  test("is held and taken in parts; the fees of the parts are the fee of the whole, and the rest can be given back", async () => {
    const wallet = await shop.wallet("bob", 50_00);
    const { id } = await shop.create({ amountMinor: 40_00, capture: "manual" });
    const gained = await shop.gains([wallet, settlement, fees], async () => {
      expect(await authorize(id, wallet)).toMatchObject({ status: "requires_capture", resultCode: 99 });
      expect(await call(ledger.account, { address: wallet })).toMatchObject({ availableMinor: 10_00 });
      expect(await call(payments.capture, { id, amountMinor: 10_00 })).toMatchObject({ status: "partially_captured" });
      expect(await call(payments.capture, { id, amountMinor: 20_00 })).toMatchObject({ capturedMinor: 30_00 });
      await expect(call(payments.capture, { id, amountMinor: 10_01 })).rejects.toMatchObject({
        code: "payments.amountExceeded",
        details: { leftMinor: 10_00 },
      });
      expect(await call(payments.cancel, { id })).toMatchObject({ status: "succeeded", capturedMinor: 30_00 });
    });
    expect(gained).toEqual([-30_00, 28_83, 1_17]);
    expect(await call(ledger.account, { address: wallet })).toMatchObject({
      availableMinor: 20_00,
      pendingDebitMinor: 0,
    });
    const { movements } = await call(payments.movements, { id });
    expect(movements.map(({ kind, amountMinor, status }) => [kind, amountMinor, status])).toEqual([
      ["authorization", 40_00, "done"],
      ["capture", 10_00, "done"],
      ["capture", 20_00, "done"],
      ["release", 10_00, "done"],
    ]);
  });

  test("without enough in it is refused, and the payment has failed", async () => {
    const wallet = await shop.wallet("cid", 5_00);
    const { id } = await shop.create();
    await expect(authorize(id, wallet)).rejects.toMatchObject({
      code: "payments.refused",
      details: { reason: "insufficientFunds", resultCode: 1 },
    });
    expect(await call(payments.find, { id })).toMatchObject({
      status: "failed",
      resultCode: 1,
      reason: "insufficientFunds",
    });
    await expect(authorize(id, wallet)).rejects.toMatchObject({ code: "payments.wrongStatus" });
  });

  test("of 100.00 pays exactly 50 of 100 payments of 2.00 that come at once", async () => {
    const wallet = await shop.wallet("dee", 100_00);
    const made = await Promise.all(Array.from({ length: 100 }, () => shop.create({ amountMinor: 2_00 })));
    const outcomes = await Promise.all(
      made.map(({ id }) =>
        authorize(id, wallet).then(
          ({ status }) => status,
          (error: { details: { reason: string } }) => error.details.reason,
        ),
      ),
    );
    const count = (outcome: string) => outcomes.filter((other) => other === outcome).length;
    expect([count("succeeded"), count("insufficientFunds")]).toEqual([50, 50]);
    expect(await shop.balance(wallet)).toBe(0);
    const { currencies } = await call(ledger.trialBalance, {});
    expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
  });

  test("is given back in parts, never more than was taken; the fee stays", async () => {
    const wallet = await shop.wallet("eve", 50_00);
    const { id } = await shop.create({ amountMinor: 30_00 });
    await authorize(id, wallet);
    const gained = await shop.gains([wallet, settlement, fees], async () => {
      expect(await call(payments.refund, { id, amountMinor: 12_00 })).toMatchObject({
        refundedMinor: 12_00,
        status: "succeeded",
      });
      await expect(call(payments.refund, { id, amountMinor: 18_01 })).rejects.toMatchObject({
        code: "payments.amountExceeded",
      });
      const tries = Array.from({ length: 10 }, () => call(payments.refund, { id, amountMinor: 9_00 }));
      const done = (await Promise.allSettled(tries)).filter((settled) => settled.status === "fulfilled");
      expect(done.length).toBeGreaterThan(0);
      expect(done.length).toBeLessThanOrEqual(2);
      for (let turn = done.length; turn < 2; turn += 1) await call(payments.refund, { id, amountMinor: 9_00 });
    });
    expect(gained).toEqual([30_00, -30_00, 0]);
  });
});

describe("a card", () => {
  test("is authorised and captured at the acquirer, and the books say the same", async () => {
    const { id } = await shop.create({ method: "CC", capture: "manual" });
    await authorize(id, await shop.card("approves"));
    const before = await shop.totals();
    const gained = await shop.gains([settlement, fees], async () => {
      await call(payments.capture, { id, amountMinor: 4_00 });
      await call(payments.capture, { id });
      await call(payments.refund, { id, amountMinor: 1_00 });
    });
    const after = await shop.totals();
    expect([after.capturedMinor - before.capturedMinor, after.refundedMinor - before.refundedMinor]).toEqual([
      10_00, 1_00,
    ]);
    expect(gained).toEqual([10_00 - 59 - 1_00, 59]);
  });

  test.each(["doNotHonor", "insufficientFunds"] as const)(
    "that is declined (%s) fails the payment",
    async (behaviour) => {
      const { id } = await shop.create({ method: "CC" });
      await expect(authorize(id, await shop.card(behaviour))).rejects.toMatchObject({ details: { reason: behaviour } });
      expect(await call(payments.find, { id })).toMatchObject({ status: "failed", reason: behaviour });
    },
  );

  test.each(["silent", "deaf", "late", "twice"] as const)(
    "whose acquirer is %s pays once all the same",
    async (behaviour) => {
      const before = await shop.totals();
      const { id } = await shop.create({ method: "CC" });
      const token = await shop.card(behaviour);
      const gained = await shop.gains([settlement, fees], () => authorize(id, token));
      expect(await call(payments.find, { id })).toMatchObject({ status: "succeeded" });
      const after = await shop.totals();
      expect(after.capturedMinor - before.capturedMinor).toBe(10_00);
      expect(gained).toEqual([9_41, 59]);
    },
  );

  test("whose acquirer forgets it fails the payment, and nothing is posted", async () => {
    const { id } = await shop.create({ method: "CC" });
    const token = await shop.card("forgetful");
    const gained = await shop.gains([settlement, fees], async () => {
      await expect(authorize(id, token)).rejects.toMatchObject({ details: { reason: "unknownAuthorization" } });
    });
    expect(gained).toEqual([0, 0]);
    await expect.poll(() => call(payments.find, { id }), patience).toMatchObject({ status: "failed", pending: null });
  });
});

describe("an ATM or QR payment", () => {
  /** A payment that waits for its payer, and the reference that its provider knows it by. */
  async function awaited(method: "ATM" | "QR") {
    const { id } = await shop.create({ method });
    const { resultCode, pending } = await authorize(id);
    expect([resultCode, pending?.kind]).toEqual([9, "authorization"]);
    return { id, reference: pending?.id ?? "" };
  }

  test("succeeds with the provider's first notice; what comes again, or after it, changes nothing", async () => {
    const { id, reference } = await awaited("QR");
    const notice = { provider: "bank", eventId: "e-1", type: "authorized", data: { reference } } as const;
    const gained = await shop.gains([settlement, fees], async () => {
      const taken = await Promise.all([1, 2, 3].map(() => call(payments.takeNotice, notice)));
      expect(taken.filter(({ isNew }) => isNew)).toEqual([{ isNew: true, isAwaited: true }]);
      const late = await call(payments.takeNotice, { ...notice, eventId: "e-2", type: "declined" });
      expect(late).toEqual({ isNew: true, isAwaited: false });
      await expect
        .poll(() => call(payments.find, { id }), patience)
        .toMatchObject({ status: "succeeded", resultCode: 0 });
    });
    expect(gained).toEqual([9_41, 59]);
    expect(await call(payments.refund, { id, amountMinor: 1_00 })).toMatchObject({ refundedMinor: 1_00 });
  });

  test("that its payer cancels at the provider, or the merchant here, has the code 18", async () => {
    const there = await awaited("ATM");
    const notice = {
      provider: "bank",
      eventId: "e-3",
      type: "canceled",
      data: { reference: there.reference },
    } as const;
    await call(payments.takeNotice, notice);
    expect(await call(payments.find, { id: there.id })).toMatchObject({ status: "canceled", resultCode: 18 });
    const here = await awaited("QR");
    expect(await call(payments.cancel, { id: here.id })).toMatchObject({ status: "canceled", resultCode: 18 });
  });

  test("that is paid after it was cancelled says that the money has to go back", async () => {
    const { id, reference } = await awaited("QR");
    await call(payments.cancel, { id });
    const notice = { provider: "bank", eventId: "e-4", type: "authorized", data: { reference } } as const;
    expect(await call(payments.takeNotice, notice)).toEqual({ isNew: true, isAwaited: false });
    expect(await shop.run(`SELECT type FROM banyan.event WHERE key = '${reference}'`)).toEqual([
      { type: "payments.unmatched" },
    ]);
    expect(await call(payments.find, { id })).toMatchObject({ status: "canceled" });
  });
});

test("50 captures at once under one Idempotency-Key are one capture with one answer; another body under it is a conflict", async () => {
  const wallet = await shop.wallet("kim", 50_00);
  const { id } = await shop.create({ capture: "manual" });
  await authorize(id, wallet);
  const idempotencyKey = "capture-once";
  const gained = await shop.gains([wallet, settlement, fees], async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => call(payments.capture, { id, amountMinor: 4_00 }, { idempotencyKey })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });
  expect(gained).toEqual([-4_00, 3_58, 42]);
  await expect(call(payments.capture, { id, amountMinor: 5_00 }, { idempotencyKey })).rejects.toMatchObject({
    code: "kernel.idempotencyConflict",
  });
});

test("a payment that is not authorised by its expiry has expired, and one that is held gives the money back", async () => {
  const wallet = await shop.wallet("lea", 50_00);
  const expiresAt = new Date(Date.now() + 1_500).toISOString();
  const idle = await shop.create({ expiresAt });
  const held = await shop.create({ expiresAt, capture: "manual" });
  await authorize(held.id, wallet);
  for (const { id } of [idle, held]) {
    await expect.poll(() => call(payments.find, { id }), patience).toMatchObject({ status: "expired", resultCode: 17 });
  }
  await expect
    .poll(() => call(ledger.account, { address: wallet }), patience)
    .toMatchObject({ availableMinor: 50_00, pendingDebitMinor: 0 });
});

test("the expiry of a payment that was paid before ends without effect", async () => {
  const { id } = await shop.create({ expiresAt: new Date(Date.now() + 1_500).toISOString() });
  await authorize(id, await shop.wallet("pam", 50_00));
  const expiry = async () => {
    const runs = await shop.app.workflows.list({ type: "payments.expire", limit: 1_000 });
    const shown = await Promise.all(runs.map((run) => shop.app.workflows.show(run.id)));
    return shown.find((run) => run?.input.includes(id));
  };
  await expect.poll(expiry, patience).toMatchObject({ outcome: { result: "{}" } });
  expect(await call(payments.find, { id })).toMatchObject({ status: "succeeded" });
});

test("a cancelled payment has the code 18 and frees the money", async () => {
  const wallet = await shop.wallet("mia", 50_00);
  const { id } = await shop.create({ capture: "manual" });
  await authorize(id, wallet);
  expect(await call(payments.cancel, { id })).toMatchObject({ status: "canceled", resultCode: 18 });
  expect(await call(ledger.account, { address: wallet })).toMatchObject({ availableMinor: 50_00 });
});

test("every transaction of the ledger has exactly one event, and the books verify", async () => {
  const [counts] = await shop.run(`
    SELECT (SELECT count(*) FROM ledger.transaction) AS transactions,
      (SELECT count(DISTINCT data::jsonb->>'id') FROM banyan.event WHERE type = 'ledger.posted') AS told,
      (SELECT count(*) FROM banyan.event WHERE type = 'ledger.posted') AS events`);
  expect(counts?.told).toBe(counts?.transactions);
  expect(counts?.events).toBe(counts?.transactions);
  expect(await call(ledger.verify, {}, { deadlineMs: 20_000 })).toMatchObject({ ok: true });
});
