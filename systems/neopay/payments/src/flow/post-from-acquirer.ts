import { ledger } from "@banyan/neopay-ledger/contract";
import type { Flow } from "./uses.ts";

/** What the outside owes us for cards, ATMs and QR codes, and is owed back for refunds: one account per currency. */
export function acquirerAccount(currency: string): string {
  return `world:acquirer:${currency}`;
}

interface Posting {
  readonly reference: string;
  readonly currency: string;
  readonly parts: readonly { readonly destination: string; readonly amountMinor: number }[];
}

/** Posts what the acquirer took, and answers the transaction's id. Opens the acquirer's account with its first money. */
export async function postFromAcquirer(flow: Flow, { reference, currency, parts }: Posting): Promise<string> {
  const source = acquirerAccount(currency);
  const postings = parts.map((part) => ({ source, ...part, currency }));
  try {
    return (await flow.call("post", ledger.post, { reference, postings })).id;
  } catch (error) {
    if (!ledger.faults.accountNotFound.is(error) || error.details.account !== source) throw error;
  }
  await openOutside(flow, source, currency);
  return (await flow.call("post-again", ledger.post, { reference, postings })).id;
}

/** Opens an account of the outside world, which may be overdrawn, unless it is open. */
async function openOutside(flow: Flow, address: string, currency: string): Promise<void> {
  try {
    await flow.call("open-outside", ledger.openAccount, { address, currency, floorMinor: null });
  } catch (error) {
    if (!ledger.faults.accountExists.is(error)) throw error;
  }
}
