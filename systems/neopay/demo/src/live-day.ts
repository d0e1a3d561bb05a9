import { randomBytes, randomInt } from "node:crypto";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchants } from "@banyan/neopay-merchants/contract";
import { formatMinor } from "@banyan/neopay-money";
import { payments } from "@banyan/neopay-payments/contract";
import { payouts } from "@banyan/neopay-payouts/contract";
import { reconciliation } from "@banyan/neopay-reconciliation/contract";
import { statements } from "@banyan/neopay-statements/contract";
import { type BankEntry, bankNotification, bankStatement } from "./bank-messages.ts";
import { type AcquirerSource, cardToken, openUnlessThere } from "./card-token.ts";
import type { Call } from "./merchant-day.ts";
import { until } from "./until.ts";

/** How the day is shown: `say` is told each thing that somebody did, as soon as it is done. */
export interface Shown {
  readonly call: Call;
  say(step: { who: string; did: string; facts: Readonly<Record<string, string | number>> }): void;
}

/** A merchant of its own for each time that the day is shown, and a bank account that saw nothing before. */
interface Cast extends Shown {
  readonly merchant: string;
  readonly settlement: string;
  readonly account: string;
  readonly day: string;
}

const currency = "EUR";
const orderMinor = 49_90;
const eur = (amountMinor: number) => `${formatMinor(amountMinor, currency)} ${currency}`;
/** Two people of the back office: what one makes the other approves. */
const [maker, checker] = [{ as: "mia" }, { as: "otto" }];

/**
 * A merchant from its first day's order to the money in its bank account, on the running application: taken in, approved, paid
 * by card, settled, paid out by two people, booked by the bank, reconciled.
 */
export async function showMerchantDay(shown: Shown, acquirers: AcquirerSource): Promise<void> {
  const merchant = `demo-${randomBytes(4).toString("hex")}`;
  const cast: Cast = {
    ...shown,
    merchant,
    settlement: `merchants:${merchant}:settlement`,
    account: newIban(),
    day: new Date().toISOString().slice(0, 10),
  };
  const { url } = acquirers;
  const ours = await openUnlessThere(acquirers);
  try {
    if (ours !== null) shown.say({ who: "acquirer", did: "opens for this day", facts: { url } });
    await takeIn(cast);
    await sell(cast, url);
  } finally {
    await ours?.close();
  }
  const cards = await settle(cast);
  const { batch, entry } = await payOut(cast);
  const paidMinor = await hearOfPayout(cast, { batch, entries: [cards, entry] });
  await reconcile(cast, { entries: [cards, entry], closingMinor: orderMinor - paidMinor });
}

async function takeIn({ call, say, merchant: code }: Cast): Promise<void> {
  const feePlan = { basisPoints: 290, shares: [{ account: `fees:${code}`, weight: 1 }] };
  await call(merchants.onboard, { code, name: "Corner Shop", currency, feePlan }, maker);
  say({ who: maker.as, did: `takes ${code} in, at 2.9 % of each sale`, facts: {} });
  const { status } = await call(merchants.approve, { code }, checker);
  say({ who: checker.as, did: "approves it, which opens its accounts", facts: { status } });
  const account = "GB82WEST12345698765432";
  await call(payouts.setBeneficiary, { merchant: code, currency, name: "Corner Shop", account }, maker);
}

async function sell({ call, say, merchant, settlement }: Cast, acquirerUrl: string): Promise<void> {
  const order = { merchantTxnId: "1", orderId: "order 1", amountMinor: orderMinor, currency };
  const { id } = await call(payments.create, { merchant, ...order, method: "CC", capture: "manual" });
  say({ who: "shop", did: `has an order of ${eur(orderMinor)}`, facts: { payment: id } });
  const { status } = await call(payments.authorize, { id, instrument: await cardToken(acquirerUrl) });
  say({ who: "customer", did: "pays by card, and the acquirer holds the money", facts: { status } });
  const captured = await call(payments.capture, { id });
  say({ who: "shop", did: `ships, and takes ${eur(captured.capturedMinor)}`, facts: { status: captured.status } });
  const [ours, fees] = await Promise.all([settlement, `fees:${merchant}`].map((at) => balanceOf(call, at)));
  say({
    who: "ledger",
    did: "splits it",
    facts: { [settlement]: eur(ours ?? 0), [`fees:${merchant}`]: eur(fees ?? 0) },
  });
}

/** The acquirer owes less, and the bank account has more. */
async function settle({ call, say, merchant, account }: Cast): Promise<BankEntry> {
  const reference = `CARDS-${merchant}`;
  const [world, owed, acquirer] = [`world:bank:${currency}`, `world:owed:${currency}`, `world:acquirer:${currency}`];
  const bank = `bank:${account}`;
  await Promise.all([world, owed, bank].map((address) => openAccount(call, address)));
  const moves = [
    { source: world, destination: bank, amountMinor: orderMinor, currency },
    { source: owed, destination: acquirer, amountMinor: orderMinor, currency },
  ];
  await call(ledger.post, { reference, postings: moves });
  say({ who: "acquirer", did: `settles ${eur(orderMinor)} to our bank account`, facts: { iban: account } });
  return { reference, amount: formatMinor(orderMinor, currency), mark: "CRDT", text: "Card sales" };
}

async function payOut({ call, say, merchant, account }: Cast): Promise<{ batch: string; entry: BankEntry }> {
  const wanted = { currency, debtor: { name: "NeoPay", account }, merchants: [merchant] };
  const { id } = await call(payouts.createBatch, wanted, maker);
  say({ who: maker.as, did: "makes a batch of payouts", facts: { batch: id } });
  const refusal = await call(payouts.approveBatch, { id }, maker).then(
    () => "nothing",
    (error: { code?: string }) => error.code ?? "an error",
  );
  say({ who: maker.as, did: "tries to approve it, and is refused", facts: { answer: refusal } });
  await call(payouts.approveBatch, { id }, checker);
  const payout = await until(`the sending of the batch ${id}`, async () => {
    const { status, payouts: found } = await call(payouts.batch, { id });
    return status === "sent" ? found[0] : undefined;
  });
  const { content } = await call(payouts.pain001, { id });
  const bytes = Buffer.byteLength(content);
  say({
    who: checker.as,
    did: "approves it, and the message to the bank is written",
    facts: { "pain.001 bytes": bytes },
  });
  const amount = formatMinor(payout.amountMinor, currency);
  return { batch: id, entry: { reference: payout.endToEndId, amount, mark: "DBIT", text: "Payout" } };
}

/** Answers what the bank paid, in minor units. */
async function hearOfPayout(
  { call, say, merchant, account, day }: Cast,
  { batch: id, entries }: { readonly batch: string; readonly entries: readonly BankEntry[] },
): Promise<number> {
  await call(statements.import, { content: bankNotification({ id: `N-${merchant}`, account, day, entries }) });
  const { amountMinor, status } = await until(`the payout to ${merchant}`, async () => {
    const [payout] = (await call(payouts.batch, { id })).payouts;
    return payout?.status === "sent" ? payout : undefined;
  });
  say({ who: "bank", did: `pays the merchant ${eur(amountMinor)}, and tells so by camt.054`, facts: { status } });
  return amountMinor;
}

async function reconcile(
  { call, say, merchant, account, day }: Cast,
  { entries, closingMinor }: { readonly entries: readonly BankEntry[]; readonly closingMinor: number },
): Promise<void> {
  const closing = formatMinor(closingMinor, currency);
  await call(statements.import, { content: bankStatement({ id: `S-${merchant}`, account, day, entries, closing }) });
  const { matchedCount: matched, openCount: open } = await until("the reconciliation", () =>
    call(reconciliation.run, { account }).catch((error: { code?: string }) => {
      // The statement and the postings are on their way.
      if (error.code === "reconciliation.catchingUp" || error.code === "reconciliation.unknownAccount")
        return undefined;
      throw error;
    }),
  );
  const { currencies } = await call(ledger.trialBalance, {});
  const difference = eur(currencies.find((one) => one.currency === currency)?.differenceMinor ?? 0);
  say({ who: "books", did: "agree with the bank's statement", facts: { matched, open, difference } });
}

async function balanceOf(call: Call, address: string): Promise<number> {
  return (await call(ledger.account, { address })).balanceMinor;
}

/** Without a floor, unless it is open. */
async function openAccount(call: Call, address: string): Promise<void> {
  await call(ledger.openAccount, { address, currency, floorMinor: null }).catch((error: { code?: string }) => {
    if (error.code !== "ledger.accountExists") throw error;
  });
}

/** A German IBAN that is nobody's: bank code 0, and check digits by ISO 7064 MOD 97-10. */
function newIban(): string {
  const bban = String(randomInt(2 ** 47)).padStart(18, "0");
  // D is 13, E is 14.
  const check = 98n - (BigInt(`${bban}131400`) % 97n);
  return `DE${String(check).padStart(2, "0")}${bban}`;
}
