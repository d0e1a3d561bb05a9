import type { EventsHandler } from "@banyan/kernel";
import type { ledger } from "@banyan/neopay-ledger/contract";
import { type PlacedItem, referencesOf } from "./bank-items.ts";
import { ledgerAddressOf, type reconciliation } from "./contract.ts";
import { insertItems } from "./item-store.ts";

type Posted = Parameters<EventsHandler<typeof ledger.posted, typeof reconciliation>>[1][number];

const mirrorPrefix = ledgerAddressOf("");
const isMirrored = (address: string) => address.startsWith(mirrorPrefix);
// Under these names imports and callers keep what the bank will repeat.
const referenceKeys = ["endToEndId", "uetr", "instructionId", "bankReference"];

/** Takes the legs that touch a mirrored bank account as what the ledger says; all other postings are none of ours. */
export const takePostings: EventsHandler<typeof ledger.posted, typeof reconciliation> = async (ctx, transactions) => {
  const byAccount = new Map<string, PlacedItem[]>();
  for (const transaction of transactions) {
    for (const { account, item } of mirroredItems(transaction)) {
      const items = byAccount.get(account) ?? [];
      byAccount.set(account, items);
      items.push(item);
    }
  }
  for (const [account, items] of byAccount) {
    await insertItems(ctx.sql, { tenant: ctx.identity.tenant, account, side: "ledger" }, items);
  }
};

export const takeBulkPostings: EventsHandler<typeof ledger.bulkPosted, typeof reconciliation> = (ctx, shares) =>
  takePostings(
    ctx,
    shares.flatMap(({ transactions }) => transactions),
  );

function mirroredItems({
  seq,
  reference,
  metadata,
  effectiveAt,
  postings,
}: Posted): { account: string; item: PlacedItem }[] {
  if (!postings.some(({ source, destination }) => isMirrored(source) || isMirrored(destination))) return [];
  const references = referencesOf([reference, ...referenceKeys.map((key) => metadata[key])]);
  const day = new Date(effectiveAt).toISOString().slice(0, 10);
  return postings.flatMap(({ source, destination, amountMinor, currency }, at) => {
    const place = `${String(seq).padStart(16, "0")}:${String(at + 1).padStart(4, "0")}`;
    const sides = [
      { address: source, direction: "debit" as const },
      { address: destination, direction: "credit" as const },
    ];
    return sides
      .filter(({ address }) => isMirrored(address))
      .map(({ address, direction }) => ({
        account: address.slice(mirrorPrefix.length),
        item: { id: `${seq}:${at + 1}:${direction}`, place, direction, amountMinor, currency, day, references },
      }));
  });
}
