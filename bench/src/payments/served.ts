import type { App } from "@banyan/kernel/app";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchants } from "@banyan/neopay-merchants/contract";
import { payments } from "@banyan/neopay-payments/contract";
import { serveProject } from "../http/serve-project.ts";
import { openAccounts } from "../ledger/transfers.ts";

const merchantCount = 64;
const paymentCount = 256;
/** What the captures of a run will not exhaust. */
const amountMinor = 1_000_000_000;
const currency = "EUR";

export async function open(subject: { url: string; key: string }) {
  const { app, address } = await serveProject(subject);
  return {
    address: () => address,
    openAccounts: () => openAccounts(app),
    authorized: () => authorized(app),
    settled: () => app.settled({ deadlineMs: 100_000 }),
  };
}

/** Payments of many merchants from as many wallets, authorised and not captured; answers their ids. */
async function authorized(app: App): Promise<string[]> {
  const run = crypto.randomUUID().slice(0, 8);
  const code = (number: number) => `${run}-${number % merchantCount}`;
  await inTurn(merchantCount, async (number) => {
    const feePlan = { basisPoints: 290, shares: [{ account: `fees:${code(number)}`, weight: 1 }] };
    await app.call(merchants.onboard, { code: code(number), name: "bench", currency, feePlan });
    await app.call(merchants.approve, { code: code(number) });
  });
  return await inTurn(paymentCount, async (number) => {
    const instrument = `users:${run}-${number}:wallet`;
    await app.call(ledger.openAccount, { address: instrument, currency, floorMinor: null });
    const made = { merchant: code(number), merchantTxnId: `${number}`, orderId: "bench", amountMinor, currency };
    const { id } = await app.call(payments.create, { ...made, method: "WALLET", capture: "manual" });
    await app.call(payments.authorize, { id, instrument });
    return id;
  });
}

/** Eight at a time. */
async function inTurn<T>(count: number, work: (number: number) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array(count);
  let next = 0;
  const worker = async () => {
    for (let number = next++; number < count; number = next++) results[number] = await work(number);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return results;
}
