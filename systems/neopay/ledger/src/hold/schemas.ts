import { accountAddress, amountMinor, amountMinorMax, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";
import { instant, storedInstant } from "../instant.ts";
import { metadata, reference } from "../transaction/schemas.ts";

export const PlaceHold = z.strictObject({
  /** Also the reference of the transaction that committing it posts. */
  reference,
  source: accountAddress,
  destination: accountAddress,
  amountMinor,
  currency: currencyCode,
  /** From this instant on it cannot be committed, and is released by itself. Never where absent. */
  expiresAt: instant.optional(),
  metadata: metadata.default({}),
});

export const Hold = z.strictObject({
  id: z.uuid(),
  reference: z.string(),
  source: z.string(),
  destination: z.string(),
  amountMinor,
  /** What committing it posted; 0 until then. The rest of `amountMinor` was released. */
  capturedMinor: z.int().min(0).max(amountMinorMax),
  currency: z.string(),
  status: z.enum(["active", "committed", "voided", "expired"]),
  createdAt: storedInstant,
  expiresAt: storedInstant.nullable(),
  settledAt: storedInstant.nullable(),
  transactionId: z.uuid().nullable(),
  /** The hold that keeps what committing this one left over; null where that was released. */
  restId: z.uuid().nullable(),
  metadata: z.record(z.string(), z.string()),
});
export type Hold = z.output<typeof Hold>;

export const AtHold = z.strictObject({ id: z.uuid() });

const partsMax = 100;

export const CommitHold = z.strictObject({
  id: z.uuid(),
  /** At most what is held, which is also the default; with `parts`, their sum. */
  amountMinor: amountMinor.optional(),
  /** Where the money goes in place of the hold's destination, in one transaction: a sale and its fees. */
  parts: z
    .array(z.strictObject({ destination: accountAddress, amountMinor }))
    .min(1)
    .max(partsMax)
    .optional(),
  /** Holds on to the rest, under a reference of its own and until the same instant. Without it the rest is released. */
  rest: z.strictObject({ reference }).optional(),
});
