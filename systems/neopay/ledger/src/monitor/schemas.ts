import { accountAddress, balanceMinor } from "@banyan/neopay-money";
import * as z from "zod";
import { storedInstant } from "../instant.ts";
import { reference, Transaction } from "../transaction/schemas.ts";

/** To which side of the threshold the balance has to go. At the threshold itself it is on neither. */
const direction = z.enum(["below", "above"]);

export const SetMonitor = z.strictObject({
  /** The caller's own name for it, unique among the monitors of a tenant. */
  reference,
  account: accountAddress,
  direction,
  /** In minor units of the account's currency. */
  thresholdMinor: balanceMinor,
});

export const Monitor = z.strictObject({
  id: z.uuid(),
  reference: z.string(),
  account: z.string(),
  currency: z.string(),
  direction,
  thresholdMinor: balanceMinor,
  /** The account's, now. */
  balanceMinor,
  /** Whether that is beyond the threshold: then the monitor is crossed again only after the balance has come back. */
  isBeyond: z.boolean(),
  createdAt: storedInstant,
});
export type Monitor = z.output<typeof Monitor>;

export const AtMonitor = z.strictObject({ id: z.uuid() });

export const ListMonitors = z.strictObject({
  /** Those of all accounts where absent. */
  account: accountAddress.optional(),
  /** The id of the last one of the page before. */
  after: z.uuid().default("00000000-0000-0000-0000-000000000000"),
  limit: z.int().min(1).max(1000).default(100),
});

export const MonitorPage = z.object({
  /** In the order in which they were set. */
  monitors: z.array(Monitor),
  /** What to send as `after` for the next page; null on the last. */
  next: z.uuid().nullable(),
});

/** A transaction took the balance beyond the threshold. Both balances are those around the whole transaction. */
export const BalanceCrossed = Monitor.pick({
  reference: true,
  account: true,
  currency: true,
  direction: true,
  thresholdMinor: true,
}).extend({
  monitorId: z.uuid(),
  balanceBeforeMinor: balanceMinor,
  balanceAfterMinor: balanceMinor,
  transactionId: z.uuid(),
  /** The transaction's: among those of an account the order of commits. */
  seq: Transaction.shape.seq,
  recordedAt: storedInstant,
});
export type BalanceCrossed = z.output<typeof BalanceCrossed>;
