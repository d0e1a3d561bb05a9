import type { Handler } from "@banyan/kernel";
import { parsePaymentStatus } from "@banyan/neopay-bank-files";
import { payouts } from "../contract.ts";
import { type PayoutNews, selectIdsOfMessage, selectKnown, takeNews, toldOf } from "./payout-news.ts";

/** Codes of ISO 20022 (ExternalPaymentTransactionStatus1Code) that end a payment; the others say how far it is. */
const kinds: Readonly<Record<string, PayoutNews["kind"]>> = { ACSC: "paid", ACCC: "paid", RJCT: "back" };

/** Reads the document before the transaction begins. A status of the whole message holds for all of its payments. */
export const takeStatusReport: Handler<typeof payouts.takeStatusReport> = async (ctx, { content }) => {
  const { payments, group, originalMessageId, problems } = parsePaymentStatus(content);
  const [problem] = problems;
  if (problem !== undefined) {
    const { line, at, reason } = problem;
    throw ctx.faults.unreadable({ line, at, reason });
  }
  const { tenant } = ctx.identity;
  const told = new Map(payments.map((payment) => [payment.endToEndId, payment]));
  const ofGroup =
    group !== null && group.status in kinds ? await selectIdsOfMessage(ctx.sql, tenant, originalMessageId ?? "") : [];
  const ids = [...new Set([...told.keys(), ...ofGroup])];
  const news = ids.flatMap((endToEndId): PayoutNews[] => {
    const said = told.get(endToEndId) ?? group;
    const kind = kinds[said?.status ?? ""];
    return kind === undefined ? [] : [{ endToEndId, kind, reason: said?.reason ?? null }];
  });
  const known = await selectKnown(ctx.sql, tenant, ids);
  const moved = await takeNews(ctx.sql, { tenant, at: new Date(ctx.now()) }, news);
  for (const payout of moved) {
    if (payout.status === "sent") ctx.emit(payouts.sent, toldOf(payout));
    else ctx.enqueue(payouts.giveBack, { id: payout.id });
  }
  const sentCount = moved.filter(({ status }) => status === "sent").length;
  return {
    sentCount,
    rejectedCount: moved.length - sentCount,
    unchangedCount: known.size - moved.length,
    unknown: ids.filter((id) => !known.has(id)),
  };
};
