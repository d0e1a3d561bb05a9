import * as z from "zod";
import { instant, storedInstant } from "../instant.ts";
import { PostTransaction, RefusedBy, Transaction } from "../transaction/schemas.ts";

export const ScheduleTransaction = PostTransaction.omit({ effectiveAt: true }).extend({
  /** From this instant on it is due; at once where it lies in the past. It counts from the moment when it is posted. */
  scheduledAt: instant,
});

const status = z.enum(["scheduled", "posted", "refused", "canceled"]);

export const ScheduledTransaction = Transaction.pick({ id: true, reference: true, postings: true }).extend({
  scheduledAt: storedInstant,
  status,
  /** What was posted when its time came. */
  transactionId: z.uuid().nullable(),
  /** Why nothing was. */
  fault: RefusedBy.nullable(),
  metadata: Transaction.shape.metadata,
});
export type ScheduledTransaction = z.output<typeof ScheduledTransaction>;

export const AtScheduled = z.strictObject({ id: z.uuid() });

export const ListScheduled = z.strictObject({
  /** All where absent. */
  status: status.optional(),
  /** The id of the last one of the page before. */
  after: z.uuid().default("00000000-0000-0000-0000-000000000000"),
  limit: z.int().min(1).max(1000).default(100),
});

export const ScheduledPage = z.object({
  /** In the order in which they were scheduled. */
  scheduled: z.array(ScheduledTransaction),
  /** What to send as `after` for the next page; null on the last. */
  next: z.uuid().nullable(),
});
