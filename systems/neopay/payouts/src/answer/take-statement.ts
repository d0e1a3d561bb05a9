import type { EventHandler, Returned } from "@banyan/kernel";
import { statements } from "@banyan/neopay-statements/contract";
import { payouts } from "../contract.ts";
import { type PayoutNews, takeNews, toldOf } from "./payout-news.ts";

type Entry = Returned<typeof statements.entries>["entries"][number];

const entriesPage = 1_000;

/**
 * Finds payouts among what a bank has booked: a debit under a payout's end-to-end id says that it was paid, a credit that it
 * came back. A notification (camt.054) tells it first, a statement tells it again. Only the account that was paid from tells of it: on
 * that of the receiver the same credit is the money's arrival.
 */
export const takeStatement: EventHandler<typeof statements.imported, typeof payouts> = async (ctx, { id, account }) => {
  const at = new Date(ctx.now());
  for (let after: number | null = 0; after !== null; ) {
    const page: Returned<typeof statements.entries> = await ctx.call(statements.entries, {
      id,
      after,
      limit: entriesPage,
    });
    const news = page.entries.flatMap(newsOf);
    for (const payout of await takeNews(ctx.sql, { tenant: ctx.identity.tenant, at, account }, news)) {
      if (payout.status === "sent") ctx.emit(payouts.sent, toldOf(payout));
      else ctx.enqueue(payouts.giveBack, { id: payout.id });
    }
    after = page.next;
  }
};

function newsOf({ status, direction, details, description }: Entry): PayoutNews[] {
  if (status !== "booked") return [];
  return details.flatMap(({ endToEndId, direction: own }) => {
    if (endToEndId === null) return [];
    const isBack = (own ?? direction) === "credit";
    return [{ endToEndId, kind: isBack ? "back" : "paid", reason: isBack ? description : null }];
  });
}
