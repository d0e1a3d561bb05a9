import { workflowRuns } from "@banyan/kernel/workflows";
import { type Behaviour, spawnAcquirer, testCards } from "@banyan/neopay-acquirer";
import { Token, Totals } from "@banyan/neopay-acquirer/contract";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { identifyMerchant, merchantsService } from "@banyan/neopay-merchants";
import { merchants } from "@banyan/neopay-merchants/contract";
import { createPaymentsService } from "@banyan/neopay-payments";
import { payments } from "@banyan/neopay-payments/contract";
import { webhooks } from "@banyan/neopay-webhooks/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openReceiver } from "../../../../tools/test-receiver.ts";
import { describeInTopologies } from "../../../../tools/topologies.ts";
import { signedByStripe, webhooksService } from "./money-services.ts";

const patience = { timeout: 20_000, interval: 100 };
const settlement = "merchants:acme:settlement";
const outside = "world:acquirer:EUR";
const acquirer = await spawnAcquirer({ lateMs: 900 });
afterAll(() => acquirer.close());

async function ask(path: string, init?: RequestInit): Promise<unknown> {
  return await (await fetch(`${acquirer.url}${path}`, init)).json();
}
async function card(behaviour: Behaviour): Promise<string> {
  return Token.parse(
    await ask("/v1/tokens", { method: "POST", body: JSON.stringify({ number: testCards[behaviour] }) }),
  ).token;
}
async function keptByAcquirer(): Promise<number> {
  const { currencies } = Totals.parse(await ask("/v1/totals"));
  return currencies.reduce((sum, { capturedMinor, refundedMinor }) => sum + capturedMinor - refundedMinor, 0);
}

describeInTopologies(
  {
    title: "NeoPay's payments",
    services: [
      ledgerService,
      merchantsService,
      createPaymentsService({ acquirer: { url: acquirer.url, timeoutMs: 500 } }),
      webhooksService,
    ],
    config: new URL("./payments.config.ts", import.meta.url),
    environment: { ACQUIRER_URL: acquirer.url },
    postgresUrl: () => inject("postgresUrl"),
    identify: identifyMerchant,
  },
  (call) => {
    const balanceOf = async (address: string) => (await call(ledger.balance, { address })).balanceMinor;
    const create = (
      merchantTxnId: string,
      given: { method: "WALLET" | "CC" | "QR"; capture?: "manual"; amountMinor: number },
    ) =>
      call(payments.create, {
        merchant: "acme",
        merchantTxnId,
        orderId: `order of ${merchantTxnId}`,
        currency: "EUR",
        ...given,
      });
    let keptBefore = 0;

    beforeAll(async () => {
      keptBefore = await keptByAcquirer();
      await call(ledger.openAccount, { address: "world:till", currency: "EUR", floorMinor: null });
      await call(ledger.openAccount, { address: "users:ann:wallet", currency: "EUR" });
      const topUp = { source: "world:till", destination: "users:ann:wallet", amountMinor: 100_00, currency: "EUR" };
      await call(ledger.post, { reference: "top-up", postings: [topUp] });
      const feePlan = { basisPoints: 250, shares: [{ account: "fees:acme", weight: 1 }] };
      await call(merchants.onboard, { code: "acme", name: "Acme", currency: "EUR", feePlan });
      expect(await call(merchants.approve, { code: "acme" })).toMatchObject({ status: "approved" });
    });

    test("a wallet pays in parts, a part of it comes back, and the rest is free again", async () => {
      const { id } = await create("wallet-1", { method: "WALLET", capture: "manual", amountMinor: 50_00 });
      await call(payments.authorize, { id, instrument: "users:ann:wallet" });
      await call(payments.capture, { id, amountMinor: 20_00 });
      await call(payments.capture, { id, amountMinor: 10_00 });
      await call(payments.refund, { id, amountMinor: 4_00 });
      const ended = await call(payments.cancel, { id });
      expect(ended).toMatchObject({ status: "succeeded", capturedMinor: 30_00, refundedMinor: 4_00, resultCode: 0 });
      await expect.poll(() => balanceOf("users:ann:wallet"), patience).toBe(74_00);
      expect(await call(ledger.account, { address: "users:ann:wallet" })).toMatchObject({ availableMinor: 74_00 });
      expect([await balanceOf(settlement), await balanceOf("fees:acme")]).toEqual([25_25, 75]);
    });

    test("a merchant collects with its own key, another does not see it, and a key that is revoked does nothing more", async () => {
      const feePlan = { basisPoints: 100, shares: [{ account: "fees:rival", weight: 1 }] };
      await call(merchants.onboard, { code: "rival", name: "Rival", currency: "EUR", feePlan });
      const { id: keyId, key } = await call(merchants.createKey, { code: "acme", name: "web shop" });
      const { key: theirs } = await call(merchants.createKey, { code: "rival", name: "web shop" });
      const order = { merchant: "acme", merchantTxnId: "keyed-1", orderId: "1", amountMinor: 2_00, currency: "EUR" };
      const { id } = await call(payments.create, { ...order, method: "WALLET", capture: "manual" }, { key });
      await call(payments.authorize, { id, instrument: "users:ann:wallet" }, { key });
      const unknown = { code: "payments.paymentNotFound" };
      await expect(call(payments.capture, { id }, { key: theirs })).rejects.toMatchObject(unknown);
      await expect(call(payments.find, { id }, { key: theirs })).rejects.toMatchObject(unknown);
      await expect(call(merchants.keys, { code: "acme" }, { key })).rejects.toMatchObject({ code: "kernel.forbidden" });
      expect(await call(payments.cancel, { id }, { key })).toMatchObject({ status: "canceled" });
      await call(merchants.revokeKey, { code: "acme", id: keyId });
      await expect(call(payments.find, { id }, { key })).rejects.toThrow();
    });

    test("cards whose acquirer stays silent, answers late or twice are charged once, and one that is declined not at all", async () => {
      const behaviours = ["approves", "silent", "late", "twice"] as const;
      const paid = behaviours.map(async (behaviour) => {
        const { id } = await create(`card-${behaviour}`, { method: "CC", amountMinor: 10_00 });
        return await call(payments.authorize, { id, instrument: await card(behaviour) });
      });
      expect((await Promise.all(paid)).map(({ status }) => status)).toEqual(behaviours.map(() => "succeeded"));
      const { id } = await create("card-declined", { method: "CC", amountMinor: 10_00 });
      await expect(call(payments.authorize, { id, instrument: await card("doNotHonor") })).rejects.toMatchObject({
        code: "payments.refused",
        details: { reason: "doNotHonor", resultCode: 1 },
      });
      await call(payments.refund, { id: (await paid[0])?.id ?? "", amountMinor: 3_00 });
      await expect.poll(() => balanceOf(outside), patience).toBe(-37_00);
      expect((await keptByAcquirer()) - keptBefore).toBe(37_00);
    });

    test("50 captures at once under one key are one, with one answer", async () => {
      const { id } = await create("once-1", { method: "WALLET", capture: "manual", amountMinor: 20_00 });
      await call(payments.authorize, { id, instrument: "users:ann:wallet" });
      const once = { idempotencyKey: "capture-once", deadlineMs: 20_000 };
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => call(payments.capture, { id, amountMinor: 8_00 }, once)),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      await expect(call(payments.capture, { id, amountMinor: 9_00 }, once)).rejects.toMatchObject({
        code: "kernel.idempotencyConflict",
      });
      expect(await call(payments.find, { id })).toMatchObject({ capturedMinor: 8_00 });
    });

    test("a provider's webhook, twice and out of order, captures a payment once, and the outside hears of it", async () => {
      const receiver = await openReceiver();
      try {
        await call(webhooks.createEndpoint, { url: `http://${receiver.host}/neopay` });
        const { id } = await create("qr-1", { method: "QR", amountMinor: 10_00 });
        const { pending } = await call(payments.authorize, { id });
        const reference = pending?.id ?? "";
        const notice = (event: string, type: string, created: number) =>
          signedByStripe({ id: event, type, created, data: { object: { id: "pi_1", metadata: { reference } } } });
        const succeeded = notice("evt_2", "payment_intent.succeeded", 2);
        const processing = notice("evt_1", "payment_intent.processing", 1);
        const duplicates = [];
        for (const given of [succeeded, processing, succeeded, processing]) {
          duplicates.push((await call(webhooks.receive, given)).duplicate);
        }
        expect(duplicates).toEqual([false, false, true, true]);
        await expect.poll(() => call(payments.find, { id }), patience).toMatchObject({ status: "succeeded" });

        // The same, said anew: whoever has paid twice gets it back.
        await call(webhooks.receive, notice("evt_3", "payment_intent.succeeded", 3));
        const heard = () => {
          const told = receiver.received.map(({ body }) => JSON.parse(body));
          return told
            .filter(({ data }) => data.paymentId === id || data.reference === reference)
            .map(({ type }) => type);
        };
        await expect
          .poll(() => heard().toSorted(), patience)
          .toEqual(["payment.authorized", "payment.captured", "payment.unmatched"]);
        const { movements } = await call(payments.movements, { id });
        expect(movements.map(({ kind, status, amountMinor }) => [kind, status, amountMinor])).toEqual([
          ["authorization", "done", 10_00],
          ["capture", "done", 10_00],
        ]);
      } finally {
        await receiver.close();
      }
    });

    test("runs are asked for where some are, whatever process that is", async () => {
      const code = "workflows.unknownRun";
      await expect(call(workflowRuns.find, { id: "none" })).rejects.toMatchObject({ code });
      await expect(call(workflowRuns.cancel, { id: "none" })).rejects.toMatchObject({ code });
    });

    test("the books balance", async () => {
      const { currencies } = await call(ledger.trialBalance, {});
      expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
      expect(await call(ledger.verify, {}, { deadlineMs: 20_000 })).toMatchObject({ ok: true });
    });
  },
);
