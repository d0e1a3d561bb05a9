import { amountMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

/*
 * The acquirer's HTTP interface, in JSON:
 *   POST /v1/tokens           {number} -> 201 {token, last4}
 *   PUT  /v1/operations/:key  Operation -> 200 Outcome; the same key and operation give the same outcome, another operation 422
 *   GET  /v1/operations/:key  -> 200 Outcome, or 404 where nothing came under the key
 *   GET  /v1/totals           -> 200 Totals
 */

/** Names one operation, for ever: the caller's idempotency key. */
export const operationKey = z.string().regex(/^[\w.:-]{1,200}$/);

/** What an acquirer is asked to do. An authorization is named by its operation's key, so that one without an answer can be voided. */
export const Operation = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("authorize"),
    token: z.string().max(100),
    amountMinor,
    currency: currencyCode,
    merchant: z.string().max(100),
  }),
  z.strictObject({ kind: z.literal("capture"), authorization: operationKey, amountMinor }),
  z.strictObject({ kind: z.literal("refund"), authorization: operationKey, amountMinor }),
  z.strictObject({ kind: z.literal("void"), authorization: operationKey }),
]);
/** A valid operation. */
export type Operation = z.output<typeof Operation>;

/** What became of an operation. A declined one changed nothing. */
export const Outcome = z.object({
  key: operationKey,
  kind: z.enum(["authorize", "capture", "refund", "void"]),
  status: z.enum(["approved", "declined"]),
  /** Why it was declined; null where it was approved. */
  reason: z
    .enum([
      "doNotHonor",
      "insufficientFunds",
      "unknownToken",
      "unknownAuthorization",
      "voided",
      "exceedsAuthorized",
      "exceedsCaptured",
    ])
    .nullable(),
});
/** What an operation is answered with. */
export type Outcome = z.output<typeof Outcome>;

/** What the acquirer did in all, per currency: what its customers' books must agree with. */
export const Totals = z.object({
  currencies: z.array(
    z.object({ currency: z.string(), authorizedMinor: z.int(), capturedMinor: z.int(), refundedMinor: z.int() }),
  ),
});
/** Sums over all that the acquirer was ever asked. */
export type Totals = z.output<typeof Totals>;

/** A card, as its holder types it; only the acquirer ever sees it. */
export const Tokenize = z.strictObject({ number: z.string().regex(/^\d{12,19}$/) });
/** What stands for a card from then on. */
export const Token = z.object({ token: z.string(), last4: z.string() });
