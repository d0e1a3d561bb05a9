import type { Returned, Sent } from "@banyan/kernel";
import type { AnyAction } from "@banyan/kernel/app";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payouts } from "@banyan/neopay-payouts/contract";
import { statements } from "@banyan/neopay-statements/contract";
import { statementOfTheDay } from "./bank-statement.ts";
import { accounts, bankAccount, beneficiary, deposit, depositTakenMinor, morning } from "./movements.ts";
import { until } from "./until.ts";

/** What the day is played through: the public actions, in this process or over a wire. */
export type Call = <A extends AnyAction>(
  action: A,
  input: Sent<A>,
  options?: {
    readonly idempotencyKey?: string;
    /** Another person than who calls otherwise, by any name. */
    readonly as?: string;
  },
) => Promise<Returned<A>>;

/**
 * Plays a merchant's day into an empty store: top-ups, sales with fees, a refund, a hold that is taken in part, a batch of payouts
 * that a second person approves, and the bank's statement of it, which says that the payout was made. Says what it did in a few words; undefined, having done nothing, where others have begun.
 * Each step has its own idempotency key, so that a day that was cut short is finished by the next try.
 */
export async function playMerchantDay(call: Call): Promise<string | undefined> {
  if (!(await isAhead(call))) return undefined;
  const once = (step: string) => ({ idempotencyKey: `demo:${step}` });
  await Promise.all([
    call(payouts.setBeneficiary, beneficiary, once("beneficiary")),
    ...accounts.map((account) => call(ledger.openAccount, account, once(`open:${account.address}`))),
  ]);
  const { refusedCount } = await call(ledger.postBulk, { transactions: [...morning] }, once("morning"));
  if (refusedCount > 0)
    throw new Error(`the ledger refused ${refusedCount} of the morning's ${morning.length} movements`);
  const { id } = await call(ledger.placeHold, deposit, once(deposit.reference));
  await call(ledger.commitHold, { id, amountMinor: depositTakenMinor }, once(`${deposit.reference}:take`));
  const { endToEndId } = await payOut(call, once);
  await call(statements.import, { content: statementOfTheDay(endToEndId) }, once("bank-statement"));
  return `a merchant's day: ${accounts.length} accounts, ${morning.length + 2} transactions, 1 batch of payouts, 1 bank statement`;
}

/** One person makes the batch and another approves it; then the ledger is asked for the money, by a job. */
async function payOut(call: Call, once: (step: string) => { idempotencyKey: string }) {
  const { merchant, currency } = beneficiary;
  const debtor = { name: "NeoPay", account: bankAccount };
  const { id } = await call(payouts.createBatch, { currency, debtor, merchants: [merchant] }, once("batch"));
  await call(payouts.approveBatch, { id }, { ...once("approval"), as: "treasurer" });
  return await until(`the sending of the batch ${id}`, async () => {
    const { status, payouts: found } = await call(payouts.batch, { id });
    return status === "sent" ? found[0] : undefined;
  });
}

/** The statement comes last, so where there is one the day is over. */
async function isAhead(call: Call): Promise<boolean> {
  const ours = new Set(accounts.map(({ address }) => address));
  const [there, told] = await Promise.all([
    call(ledger.accounts, { limit: accounts.length + 1 }),
    call(statements.list, { limit: 1 }),
  ]);
  return told.statements.length === 0 && there.accounts.every(({ address }) => ours.has(address));
}
