import { isDeepStrictEqual } from "node:util";
import type { Handler } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import { type ScheduledRow, scheduledOf } from "./scheduled.ts";

export const scheduleTransaction: Handler<typeof ledger.schedule> = async (ctx, input) => {
  const { reference, postings, metadata } = input;
  const { tenant } = ctx.identity;
  const scheduledAt = new Date(input.scheduledAt);
  // In order: an insert that meets another session's waits for it, and then its row can be seen.
  const [[placed], [earlier], [taken]] = await Promise.all([
    ctx.sql<ScheduledRow>`
      INSERT INTO ledger.scheduled (id, tenant, reference, postings, scheduled_at, metadata)
      VALUES (${ctx.newId()}, ${tenant}, ${reference}, ${JSON.stringify(postings)}, ${scheduledAt}, ${metadata})
      ON CONFLICT DO NOTHING RETURNING *`,
    ctx.sql<ScheduledRow>`SELECT * FROM ledger.scheduled WHERE reference = ${reference} AND tenant = ${tenant}`,
    ctx.sql<{ id: string }>`
      SELECT id FROM ledger.transaction WHERE reference = ${reference} AND tenant = ${tenant}
      UNION ALL SELECT id FROM ledger.hold WHERE reference = ${reference} AND tenant = ${tenant}`,
  ]);
  if (placed === undefined) {
    if (earlier === undefined) throw new Error(`the transaction ${reference} was neither scheduled nor found`);
    const sameContent = isDeepStrictEqual(
      [earlier.postings, earlier.scheduled_at, earlier.metadata],
      [postings, scheduledAt, metadata],
    );
    throw ctx.faults.duplicateReference({ reference, existingId: earlier.id, sameContent });
  }
  if (taken !== undefined) throw ctx.faults.duplicateReference({ reference, existingId: taken.id, sameContent: false });
  const scheduled = scheduledOf(placed);
  ctx.emit(ledger.scheduled, scheduled);
  ctx.enqueue(ledger.postScheduled, { id: placed.id }, { at: scheduledAt.getTime() });
  return scheduled;
};
