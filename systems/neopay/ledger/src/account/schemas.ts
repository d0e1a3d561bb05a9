import { accountAddress, amountMinorMax, balanceMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";
import { day, instant, storedInstant } from "../instant.ts";

const sumMinor = z.int().min(0).max(amountMinorMax);

/** `floorMinor` is the least that `availableMinor` may be: 0 where absent, null for an account without a floor. */
export const OpenAccount = z.strictObject({
  address: accountAddress,
  currency: currencyCode,
  floorMinor: z
    .int()
    .min(-amountMinorMax)
    .max(0, { error: "must be 0 or less: an account opens empty" })
    .nullable()
    .default(0),
});

export const AtAccount = z.strictObject({ address: accountAddress });

/** `availableMinor` = `balanceMinor` - `pendingDebitMinor`; it may not fall below `floorMinor`. */
export const Account = z.strictObject({
  address: accountAddress,
  currency: z.string(),
  balanceMinor,
  pendingDebitMinor: sumMinor,
  pendingCreditMinor: sumMinor,
  availableMinor: balanceMinor,
  floorMinor: balanceMinor.nullable(),
  entryCount: z.int().min(0),
  status: z.enum(["open", "closed"]),
  openedAt: storedInstant,
});
export type Account = z.output<typeof Account>;

const partOfAddress = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_.:-]*$/, { error: "must be the beginning of an address, such as users:alice" })
  .default("");

export const ListAccounts = z.strictObject({
  /** The beginning of the addresses, `users:alice`; all where absent. */
  prefix: partOfAddress,
  /** The last address of the page before. */
  after: partOfAddress,
  limit: z.int().min(1).max(1000).default(100),
});

export const AccountPage = z.object({
  accounts: z.array(Account),
  /** What to send as `after` for the next page; null on the last. */
  next: z.string().nullable(),
});

export const BalanceAt = z.strictObject({
  address: accountAddress,
  /** An instant, or a date for the end of that day (UTC); now where absent. Entries of that very instant count. */
  at: z
    .union([instant, day], {
      error: "must be an instant such as 2026-11-21T09:30:00Z, or a date such as 2026-11-21, in the years 1900 to 2199",
    })
    .optional(),
});

export const Balance = z.object({
  address: accountAddress,
  currency: z.string(),
  balanceMinor,
  /** Instant that was asked for; of a date its last millisecond. */
  at: storedInstant,
});

export const ListEntries = z.strictObject({
  address: accountAddress,
  /** The number of the last entry of the page before. */
  after: z.int().min(0).default(0),
  limit: z.int().min(1).max(1000).default(100),
});

/** One side of a posting, numbered 1, 2, 3 … per account in the order of recording. Written once, never changed. */
const Entry = z.object({
  number: z.int().min(1),
  transactionId: z.uuid(),
  seq: z.int(),
  reference: z.string(),
  counterparty: accountAddress,
  /** Positive into the account, negative out of it. */
  changeMinor: balanceMinor,
  /** The balance right after this entry, in the order of recording. */
  balanceMinor,
  effectiveAt: storedInstant,
  recordedAt: storedInstant,
});

export const EntryPage = z.object({
  address: accountAddress,
  currency: z.string(),
  /** Newest last. */
  entries: z.array(Entry),
  /** What to send as `after` for the next page; null on the last. */
  next: z.int().nullable(),
});

/** Days by effectiveAt (UTC), both inclusive. */
export const StatementSpan = z
  .strictObject({ address: accountAddress, from: day, to: day })
  .refine(({ from, to }) => from <= to, { path: ["from"], error: "must not come after to" });
export type StatementSpan = z.output<typeof StatementSpan>;

/** A document as text. */
export const Document = z.object({ content: z.string() });
