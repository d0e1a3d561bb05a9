import { type Handler, isFault } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { postAlone } from "../transaction/post-alone.ts";
import { endScheduled, lockScheduled } from "./scheduled.ts";

export const postScheduled: Handler<typeof ledger.postScheduled> = async (ctx, { id }) => {
  const waiting = await lockScheduled(ctx.sql, ctx.identity.tenant, id);
  if (waiting === undefined || waiting.status !== "scheduled") return;
  const dueAt = waiting.scheduled_at.getTime();
  if (dueAt > ctx.now()) {
    // The queue's clock runs ahead of ours.
    ctx.enqueue(ledger.postScheduled, { id }, { at: dueAt });
    return;
  }
  const { reference, postings, metadata } = waiting;
  const transaction = { id: ctx.newId(), reference, postings, effectiveAt: undefined, metadata, revertsId: null };
  const posted = await postAlone(ctx, transaction);
  if (!isFault(posted)) {
    await endScheduled(ctx.sql, waiting, { status: "posted", transaction_id: posted.id });
    return;
  }
  const { code, message, details } = posted;
  const refused = await endScheduled(ctx.sql, waiting, { status: "refused", fault: { code, message, details } });
  ctx.emit(ledger.scheduledRefused, refused);
};
