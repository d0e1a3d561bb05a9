import type { EventHandler } from "@banyan/kernel";
import type { ledger } from "@banyan/neopay-ledger/contract";
import { type PlacedItem, referencesOf } from "./bank-items.ts";
import { ledgerAddressOf, type reconciliation } from "./contract.ts";
import { insertItems } from "./item-store.ts";

const mirrorPrefix = ledgerAddressOf("");
// Under these names imports and callers keep what the bank will repeat.
const referenceKeys = ["endToEndId", "uetr", "instructionId", "bankReference"];

/** Takes the legs that touch a mirrored bank account as what the ledger says; all other postings are none of ours. */
export const takePosting: EventHandler<typeof ledger.posted, typeof reconciliation> = async (ctx, transaction) => {
  const byAccount = new Map<string, PlacedItem[]>();
  const references = referencesOf([transaction.reference, ...referenceKeys.map((key) => transaction.metadata[key])]);
  const day = new Date(transaction.effectiveAt).toISOString().slice(0, 10);
  for (const [at, posting] of transaction.postings.entries()) {
    for (const [address, direction] of [
      [posting.source, "debit"],
      [posting.destination, "credit"],
    ] as const) {
      if (!address.startsWith(mirrorPrefix)) continue;
      const account = address.slice(mirrorPrefix.length);
      const items = byAccount.get(account) ?? [];
      byAccount.set(account, items);
      const { amountMinor, currency } = posting;
      const place = `${String(transaction.seq).padStart(16, "0")}:${String(at + 1).padStart(4, "0")}`;
      items.push({
        id: `${transaction.seq}:${at + 1}:${direction}`,
        place,
        direction,
        amountMinor,
        currency,
        day,
        references,
      });
    }
  }
  for (const [account, items] of byAccount)
    await insertItems(ctx.sql, { tenant: ctx.identity.tenant, account, side: "ledger" }, items);
};
