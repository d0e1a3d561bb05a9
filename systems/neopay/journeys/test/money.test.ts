import { parsePain001 } from "@banyan/neopay-bank-files";
import { fx } from "@banyan/neopay-fx/contract";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payouts } from "@banyan/neopay-payouts/contract";
import { reconciliation } from "@banyan/neopay-reconciliation/contract";
import { statements } from "@banyan/neopay-statements/contract";
import { webhooks } from "@banyan/neopay-webhooks/contract";
import { Webhook } from "standardwebhooks";
import { expect, inject, test } from "vitest";
import { openReceiver } from "../../../../tools/test-receiver.ts";
import { describeInTopologies } from "../../../../tools/topologies.ts";
import { debitNotification, debitStatement, rejection } from "./bank-messages.ts";
import { moneyServices, signedByStripe } from "./money-services.ts";

const patience = { timeout: 20_000, interval: 100 };
const iban = "DE89370400440532013000";

describeInTopologies(
  {
    title: "NeoPay's money",
    services: moneyServices,
    config: new URL("./money.config.ts", import.meta.url),
    postgresUrl: () => inject("postgresUrl"),
  },
  (call) => {
    const fund = async (address: string, currency: string, amountMinor: number) => {
      const till = `world:till:${currency}`;
      await call(ledger.openAccount, { address: till, currency, floorMinor: null }).catch(() => {});
      await call(ledger.openAccount, { address, currency });
      const postings = [{ source: till, destination: address, amountMinor, currency }];
      await call(ledger.post, { reference: `fund ${address}`, postings });
    };
    const balanceOf = async (address: string) => (await call(ledger.balance, { address })).balanceMinor;
    const merchant = async (code: string, amountMinor: number) => {
      await fund(`merchants:${code}:settlement`, "EUR", amountMinor);
      const account = "GB82WEST12345698765432";
      await call(payouts.setBeneficiary, { merchant: code, currency: "EUR", name: code, account });
    };

    test("merchants are paid in a batch of two people; one payment arrives, one comes back; the bank and the books agree", async () => {
      const receiver = await openReceiver();
      try {
        await merchant("acme", 100_00);
        await merchant("bolt", 30_00);
        const url = `http://${receiver.host}/neopay`;
        const { secret } = await call(webhooks.createEndpoint, { url, merchant: "acme" });

        const debtor = { name: "NeoPay", account: iban };
        const { id } = await call(payouts.createBatch, { currency: "EUR", debtor });
        await expect(call(payouts.approveBatch, { id })).rejects.toMatchObject({ code: "payouts.approverIsCreator" });
        await call(payouts.approveBatch, { id }, { as: "somebodyElse" });
        await expect.poll(async () => (await call(payouts.batch, { id })).status, patience).toBe("sent");

        const { content } = await call(payouts.pain001, { id });
        const { payments, problems } = parsePain001(content);
        expect(problems).toEqual([]);
        const [acme, bolt] = payments.map(({ endToEndId }) => endToEndId ?? "");
        expect(payments.map(({ amountMinor }) => amountMinor)).toEqual([100_00, 30_00]);

        await call(payouts.takeStatusReport, { content: rejection(bolt ?? "") });
        const booked = { account: iban, endToEndId: acme ?? "", amount: "100.00" };
        await call(statements.import, { content: debitNotification(booked) });
        await expect
          .poll(async () => (await call(payouts.batch, { id })).payouts.map(({ status }) => status), patience)
          .toEqual(["sent", "returned"]);
        await expect.poll(() => balanceOf("merchants:bolt:settlement"), patience).toBe(30_00);

        await expect.poll(() => receiver.received.length, patience).toBe(1);
        const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
        expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
          type: "payout.sent",
          data: { merchant: "acme", amountMinor: 100_00, endToEndId: acme },
        });

        // Until the bank's statement comes, what was paid is a break that grows old; what was rejected is none.
        const reconciled = () => call(reconciliation.run, {}).catch((error: { code?: string }) => error.code);
        const queue = async () => (await call(reconciliation.queue, { account: iban })).breaks;
        await expect.poll(reconciled, patience).toMatchObject({ matchedCount: 0, openCount: 1 });
        const missing = { kind: "missingAtBank", ledgerMinor: -100_00, bankMinor: null, ageDays: 0, status: "open" };
        expect(await queue()).toMatchObject([{ ...missing, references: expect.arrayContaining([acme]) }]);

        await call(statements.import, { content: debitStatement(booked) });
        await expect.poll(reconciled, patience).toMatchObject({ matchedCount: 1, openCount: 0 });
        expect(await queue()).toEqual([]);
        const { currencies } = await call(ledger.trialBalance, {});
        expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
      } finally {
        await receiver.close();
      }
    });

    test("an account that falls below a threshold is told of, once, and to nobody's merchant", async () => {
      const receiver = await openReceiver();
      try {
        await fund("treasury:float", "EUR", 50_00);
        const url = `http://${receiver.host}/treasury`;
        const types = ["balance.crossed"];
        const acmes = await call(webhooks.createEndpoint, { url, merchant: "acme", types });
        const { secret } = await call(webhooks.createEndpoint, { url, types });
        const monitor = { reference: "float low", account: "treasury:float", thresholdMinor: 20_00 };
        const { id } = await call(ledger.setMonitor, { ...monitor, direction: "below" });
        const spend = (reference: string, amountMinor: number) => {
          const leg = { source: "treasury:float", destination: "world:till:EUR", amountMinor, currency: "EUR" };
          return call(ledger.post, { reference, postings: [leg] });
        };
        await spend("float-1", 30_00);
        const { id: transactionId, seq, recordedAt } = await spend("float-2", 5_00);
        await spend("float-3", 5_00);
        await expect.poll(() => receiver.received.length, patience).toBe(1);
        const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
        expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
          type: "balance.crossed",
          data: {
            ...{ ...monitor, monitorId: id, direction: "below", currency: "EUR" },
            ...{ balanceBeforeMinor: 20_00, balanceAfterMinor: 15_00, transactionId, seq, recordedAt },
          },
        });
        const { deliveries } = await call(webhooks.deliveries, { endpoint: acmes.id });
        expect(deliveries).toEqual([]);
        const { monitors } = await call(ledger.monitors, { account: "treasury:float" });
        expect(monitors).toMatchObject([{ id, balanceMinor: 10_00, isBeyond: true }]);
      } finally {
        await receiver.close();
      }
    });

    test("a quote is used once, however many try at once, and moves both currencies", async () => {
      await fund("users:ann:euros", "EUR", 10_00);
      await call(ledger.openAccount, { address: "users:ann:yen", currency: "JPY" });
      const pair = { sourceCurrency: "EUR", targetCurrency: "JPY" };
      await call(fx.setRate, { ...pair, rate: "163.35" });
      const { id: quoteId, targetMinor } = await call(fx.quote, { ...pair, sourceMinor: 9_99 });
      const use = () => call(fx.convert, { quoteId, source: "users:ann:euros", destination: "users:ann:yen" });
      const codes = await Promise.all(
        Array.from({ length: 10 }, () =>
          use().then(
            () => "taken",
            (error: { code: string }) => error.code,
          ),
        ),
      );
      expect(codes.toSorted()).toEqual([...Array(9).fill("fx.quoteUsed"), "taken"]);
      await expect.poll(() => balanceOf("users:ann:yen"), patience).toBe(targetMinor);
      expect(await balanceOf("users:ann:euros")).toBe(1);
    });

    test("a provider's webhook that comes twice and out of order has one effect, and a forged one has none", async () => {
      const signed = (id: string, created: number) =>
        signedByStripe({ id, type: "charge.captured", created, data: { object: { id: "ch_1" } } });
      const taken = [];
      for (const given of [signed("e2", 2), signed("e1", 1), signed("e2", 2), signed("e1", 1)]) {
        taken.push((await call(webhooks.receive, given)).duplicate);
      }
      expect(taken).toEqual([false, false, true, true]);
      const forged = { ...signed("e3", 3), payload: signed("e4", 4).payload };
      await expect(call(webhooks.receive, forged)).rejects.toMatchObject({
        code: "webhooks.badSignature",
        details: { resultCode: 98 },
      });
    });
  },
);
