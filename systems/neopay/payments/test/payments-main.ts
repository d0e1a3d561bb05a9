// A process of its own that pays and may be killed: `node payments-main.ts DATABASE_URL ACQUIRER_URL CARD WALLET COUNT`.
// Each life asks for the same payments, half by wallet and half by card, under the same keys. Says a line per payment that has ended.
import { createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { merchantsService } from "@banyan/neopay-merchants";
import { createPostgresStore } from "@banyan/sql-postgres";
import { payments } from "../src/contract.ts";
import { createPaymentsService } from "../src/index.ts";

const [url = "", acquirerUrl = "", card = "", wallet = "", count = ""] = process.argv.slice(2);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const app = createApp({
  services: [
    ledgerService,
    merchantsService,
    createPaymentsService({ acquirer: { url: acquirerUrl, timeoutMs: 500 } }),
  ],
  store: createPostgresStore({ url }),
  deadlineMs: 60_000,
});
await app.start();
say("started");

async function pay(at: number): Promise<void> {
  const [method, instrument] = at % 2 === 0 ? (["WALLET", wallet] as const) : (["CC", card] as const);
  const made = {
    merchant: "acme",
    merchantTxnId: `kill-${at}`,
    orderId: `order-${at}`,
    amountMinor: 10_00,
    currency: "EUR",
    method,
  };
  const { id } = await app.call(payments.create, made, { idempotencyKey: `create-${at}` });
  const { status } = await app.call(payments.authorize, { id, instrument }, { idempotencyKey: `pay-${at}` });
  say(status);
}

const waiting = Array.from({ length: Number(count) }, (_, at) => at);
const worker = async () => {
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) await pay(at);
};
await Promise.all(Array.from({ length: 8 }, worker));
say("ended");
await app.stop();
