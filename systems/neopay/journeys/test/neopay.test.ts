import { playMerchantDay } from "@banyan/neopay-demo";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payoutsService } from "@banyan/neopay-payouts";
import { payouts } from "@banyan/neopay-payouts/contract";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { reconciliation } from "@banyan/neopay-reconciliation/contract";
import { statementsService } from "@banyan/neopay-statements";
import { statements } from "@banyan/neopay-statements/contract";
import { expect, inject, test } from "vitest";
import { describeInTopologies } from "../../../../tools/topologies.ts";

const patience = { timeout: 20_000, interval: 100 };
const wallet = (name: string) => `users:${name}:wallet`;
const move = (source: string, destination: string, amountMinor: number) => {
  return { source, destination, amountMinor, currency: "EUR" };
};

describeInTopologies(
  {
    title: "NeoPay",
    services: [ledgerService, statementsService, reconciliationService, payoutsService],
    config: new URL("./banyan.config.ts", import.meta.url),
    postgresUrl: () => inject("postgresUrl"),
  },
  (call) => {
    const open = (address: string, floorMinor: number | null = 0) =>
      call(ledger.openAccount, { address, currency: "EUR", floorMinor });
    const post = (reference: string, ...postings: ReturnType<typeof move>[]) =>
      call(ledger.post, { reference, postings });
    const balanceOf = async (address: string) => (await call(ledger.balance, { address })).balanceMinor;

    test("a merchant's day is played, the bank's statement arrives, and both agree", async () => {
      await playMerchantDay(call);
      // Postings and the statement reach the reconciliation by events: it says itself when they have.
      await expect
        .poll(() => call(reconciliation.run, {}).catch((error: { code?: string }) => error.code), patience)
        .toMatchObject({ accountCount: 1, matchedCount: 4, openCount: 0 });
      expect((await call(statements.accounts, {})).accounts).toMatchObject([{ statementCount: 1 }]);
      const [{ id } = { id: "" }] = (await call(payouts.batches, {})).batches;
      await expect
        .poll(async () => (await call(payouts.batch, { id })).payouts, patience)
        .toMatchObject([{ merchant: "acme", amountMinor: 129_33, status: "sent" }]);
    });

    test("money goes from wallet to wallet, and back once", async () => {
      await open("world:till", null);
      await Promise.all([open(wallet("ann")), open(wallet("ben"))]);
      await post("till-1", move("world:till", wallet("ann"), 50_00));
      const paid = await post("pay-1", move(wallet("ann"), wallet("ben"), 20_00));
      await expect.poll(() => balanceOf(wallet("ben")), patience).toBe(20_00);
      await call(ledger.revert, { id: paid.id });
      await expect(call(ledger.revert, { id: paid.id, reference: "again" })).rejects.toMatchObject({
        code: "ledger.alreadyReverted",
        details: { transaction: paid.id },
      });
      await expect.poll(() => balanceOf(wallet("ann")), patience).toBe(50_00);
    });

    test("a scheduled transfer is posted when it is due, and a canceled one is not", async () => {
      await open("world:payroll", null);
      await open(wallet("dora"));
      const schedule = (reference: string, scheduledAt: string) =>
        call(ledger.schedule, { reference, scheduledAt, postings: [move("world:payroll", wallet("dora"), 30_00)] });
      const bonus = await schedule("bonus", "2100-01-01T00:00:00Z");
      await call(ledger.cancelScheduled, { id: bonus.id });
      const { id } = await schedule("salary", new Date(Date.now() + 300).toISOString());
      const salary = () => call(ledger.scheduledTransaction, { id });
      await expect.poll(async () => (await salary()).status, patience).toBe("posted");
      const { scheduled } = await call(ledger.scheduledTransactions, {});
      expect(scheduled).toEqual([{ ...bonus, status: "canceled" }, await salary()]);
      await expect.poll(() => balanceOf(wallet("dora")), patience).toBe(30_00);
    });

    test("nobody spends what is not there, however many try at once", async () => {
      await open("world:mint", null);
      await open(wallet("cat"));
      await post("mint-1", move("world:mint", wallet("cat"), 10_00));
      const tries = Array.from({ length: 25 }, (_, at) =>
        post(`spend-${at}`, move(wallet("cat"), "world:mint", 1_00)).then(
          () => "posted",
          (error: { code: string; kind: string; retry: string }) => `${error.code} ${error.kind} ${error.retry}`,
        ),
      );
      const outcomes = await Promise.all(tries);
      expect(outcomes.filter((outcome) => outcome === "posted")).toHaveLength(10);
      expect(new Set(outcomes)).toEqual(new Set(["posted", "ledger.insufficientFunds conflict no"]));
    });

    test("the same key has one effect and one answer, and another body under it is refused", async () => {
      await open("world:once", null);
      await open(wallet("dan"));
      const input = (amountMinor: number) => ({
        reference: "once-1",
        postings: [move("world:once", wallet("dan"), amountMinor)],
      });
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => call(ledger.post, input(5_00), { idempotencyKey: "journey-once" })),
      );
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      await expect(call(ledger.post, input(6_00), { idempotencyKey: "journey-once" })).rejects.toMatchObject({
        code: "kernel.idempotencyConflict",
      });
      await expect.poll(() => balanceOf(wallet("dan")), patience).toBe(5_00);
    });

    test("a field that is not there is refused by name, wherever the service runs", async () => {
      const misspelt = { address: wallet("eve"), currency: "EUR", floorMinr: 0 } as never;
      await expect(call(ledger.openAccount, misspelt)).rejects.toMatchObject({
        code: "kernel.invalidInput",
        kind: "invalid",
        message: expect.stringContaining("floorMinr"),
      });
    });

    test("what was posted is sealed, the books balance, and the chain holds", async () => {
      await expect
        .poll(() => call(ledger.verify, {}, { deadlineMs: 20_000 }), { timeout: 30_000, interval: 500 })
        .toMatchObject({ ok: true });
      const { currencies } = await call(ledger.trialBalance, {});
      expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
    });
  },
);
