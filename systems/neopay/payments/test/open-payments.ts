import { randomUUID } from "node:crypto";
import type { Returned } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { type AcquirerOptions, type Behaviour, spawnAcquirer, testCards } from "@banyan/neopay-acquirer";
import { Token, Totals } from "@banyan/neopay-acquirer/contract";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchantsService } from "@banyan/neopay-merchants";
import { merchants } from "@banyan/neopay-merchants/contract";
import { connect, createPostgresStore, statement } from "@banyan/sql-postgres";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { payments } from "../src/contract.ts";
import { createPaymentsService } from "../src/index.ts";

type Created = Returned<typeof payments.create>;

/** Payments with all that they need, on a database and an acquirer of the test file's own. */
export interface OpenPayments {
  readonly app: App;
  readonly databaseUrl: string;
  readonly acquirerUrl: string;
  /** Runs SQL past the services, as somebody with a database client would. */
  run(text: string): Promise<Record<string, unknown>[]>;
  /** A wallet with money in it. */
  wallet(name: string, amountMinor: number): Promise<string>;
  card(behaviour: Behaviour): Promise<string>;
  create(given?: Partial<Parameters<typeof paymentOf>[0]>): Promise<Created>;
  /** What the accounts gain while `work` runs, in minor units. */
  gains(addresses: readonly string[], work: () => Promise<unknown>): Promise<number[]>;
  balance(address: string): Promise<number>;
  /** What the acquirer did, in EUR. */
  totals(): Promise<{ authorizedMinor: number; capturedMinor: number; refundedMinor: number }>;
  close(): Promise<void>;
}

/** The merchant `acme` is approved and takes 2.9 % and 0.30 EUR of each payment. */
export async function openPayments(server: string, options: AcquirerOptions = {}): Promise<OpenPayments> {
  const [database, acquirer] = await Promise.all([createTestDatabase(server), spawnAcquirer(options)]);
  const { url } = database;
  const app = createApp({
    services: [
      ledgerService,
      merchantsService,
      createPaymentsService({ acquirer: { url: acquirer.url, timeoutMs: 500 } }),
    ],
    store: createPostgresStore({ url }),
    deadlineMs: 20_000,
  });
  await app.start();
  await app.call(ledger.openAccount, { address: "world:till", currency: "EUR", floorMinor: null });
  await app.call(merchants.onboard, {
    code: "acme",
    name: "Acme",
    currency: "EUR",
    feePlan: { basisPoints: 290, fixedMinor: 30, shares: [{ account: "fees:acme", weight: 1 }] },
  });
  await app.call(merchants.approve, { code: "acme" });
  const balance = async (address: string) => (await app.call(ledger.balance, { address })).balanceMinor;
  const json = async (path: string, init?: RequestInit) => await (await fetch(`${acquirer.url}${path}`, init)).json();
  return {
    app,
    databaseUrl: url,
    acquirerUrl: acquirer.url,
    async run(text) {
      const connection = await connect({ url });
      try {
        return (await connection.run([statement(text)]))[0]?.rows ?? [];
      } finally {
        await connection.close();
      }
    },
    async wallet(name, amountMinor) {
      const address = `users:${name}:wallet`;
      await app.call(ledger.openAccount, { address, currency: "EUR" });
      const postings = [{ source: "world:till", destination: address, amountMinor, currency: "EUR" }];
      await app.call(ledger.post, { reference: `top-up ${address}`, postings });
      return address;
    },
    card: async (behaviour) =>
      Token.parse(await json("/v1/tokens", { method: "POST", body: JSON.stringify({ number: testCards[behaviour] }) }))
        .token,
    create: (given = {}) => app.call(payments.create, paymentOf(given)),
    balance,
    async gains(addresses, work) {
      const before = await Promise.all(addresses.map(balance));
      await work();
      const after = await Promise.all(addresses.map(balance));
      return after.map((amount, at) => amount - (before[at] ?? 0));
    },
    async totals() {
      const { currencies } = Totals.parse(await json("/v1/totals"));
      return (
        currencies.find(({ currency }) => currency === "EUR") ?? {
          authorizedMinor: 0,
          capturedMinor: 0,
          refundedMinor: 0,
        }
      );
    },
    async close() {
      await app.stop();
      await acquirer.close();
      await database.drop();
    },
  };
}

interface Given {
  readonly merchantTxnId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly method: "WALLET" | "ATM" | "CC" | "QR";
  readonly capture: "auto" | "manual";
  readonly expiresAt: string;
  readonly signature: string;
}

function paymentOf(given: Partial<Given>) {
  const once = randomUUID();
  return {
    merchant: "acme",
    merchantTxnId: once,
    orderId: `order-${once}`,
    amountMinor: 10_00,
    currency: "EUR",
    method: "WALLET" as const,
    ...given,
  };
}
