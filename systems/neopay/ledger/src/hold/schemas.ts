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
  metadata: z.record(z.string(), z.string()),
});
export type Hold = z.output<typeof Hold>;

export const AtHold = z.strictObject({ id: z.uuid() });

export const CommitHold = z.strictObject({
  id: z.uuid(),
  /** At most what is held, which is also the default. */
  amountMinor: amountMinor.optional(),
});
