import { accountAddress, amountMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";
import { instant, storedInstant } from "../instant.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses; Postgres cannot store NUL
const printable = /^[^\u0000-\u001f\u007f]*$/;
const text = (charsMax: number) =>
  z
    .string()
    .max(charsMax)
    .regex(printable, { error: "must not hold control characters" })
    .refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode, without lone surrogates" });

/** The caller's own name for a transaction or hold, unique per tenant: an invoice number, a bank's reference. */
export const reference = text(200).min(1);

/** Up to 50 texts of the caller's own. */
export const metadata = z
  .record(text(64).min(1), text(1000))
  .refine((entries) => Object.keys(entries).length <= 50, { error: "must have at most 50 entries" });

export const Posting = z.strictObject({
  source: accountAddress,
  destination: accountAddress,
  amountMinor,
  currency: currencyCode,
});
export type Posting = z.output<typeof Posting>;

const legsMax = 1000;

export const PostTransaction = z.strictObject({
  reference,
  postings: z.array(Posting).min(1).max(legsMax),
  /** When it counts; may lie in the past or future. The moment of recording where absent. */
  effectiveAt: instant.optional(),
  metadata: metadata.default({}),
});
export type PostTransaction = z.output<typeof PostTransaction>;

/**
 * `seq` grows with every transaction, in commit order among those that share an account. It has gaps: a transaction
 * that was rolled back keeps its number to itself.
 */
export const Transaction = z.strictObject({
  id: z.uuid(),
  seq: z.int(),
  reference: z.string(),
  postings: z.array(z.strictObject({ source: z.string(), destination: z.string(), amountMinor, currency: z.string() })),
  effectiveAt: storedInstant,
  recordedAt: storedInstant,
  /** The transaction that this one mirrors; null for most. */
  revertsId: z.uuid().nullable(),
  metadata: z.record(z.string(), z.string()),
});
export type Transaction = z.output<typeof Transaction>;

export const RevertTransaction = z.strictObject({
  id: z.uuid(),
  /** `revert:<id>` where absent. */
  reference: reference.optional(),
  effectiveAt: instant.optional(),
  metadata: metadata.default({}),
});

export const Reverted = z.strictObject({ id: z.uuid(), reference: z.string(), revertedById: z.uuid() });

/** A share of what one bulk call posted, in the order of the call. */
export const BulkPosted = z.strictObject({ transactions: z.array(Transaction).min(1) });

const bulkMax = 5000;
const bulkLegsMax = 20_000;

export const PostBulk = z.strictObject({
  transactions: z
    .array(PostTransaction)
    .min(1)
    .max(bulkMax)
    .refine((all) => all.reduce((legs, { postings }) => legs + postings.length, 0) <= bulkLegsMax, {
      error: `must have at most ${bulkLegsMax} postings together`,
    }),
  /** All or none: one refusal or duplicate leaves nothing posted. Otherwise each for itself, in order. */
  atomic: z.boolean().default(false),
  /** Judges all and posts nothing: what would be posted is `notPosted`. */
  dryRun: z.boolean().default(false),
});

/** The fault that posting it alone would have answered. */
export const RefusedBy = z.strictObject({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});

/** `id` and `seq` are those of the transaction that holds the reference now: the new one's, or the older one's of a duplicate. */
export const BulkResult = z.object({
  reference: z.string(),
  /** duplicate: the reference was posted before. notPosted: nothing wrong with it; another one of an atomic batch was refused, or it is a dry run. */
  status: z.enum(["posted", "duplicate", "refused", "notPosted"]),
  id: z.uuid().nullable(),
  seq: z.int().nullable(),
  /** Of a duplicate: whether what was posted under its reference is the same. */
  sameContent: z.boolean().nullable(),
  fault: RefusedBy.nullable(),
});
export type BulkResult = z.output<typeof BulkResult>;

/** received = posted + duplicate + refused + notPosted. */
export const BulkAnswer = z.object({
  receivedCount: z.int(),
  postedCount: z.int(),
  duplicateCount: z.int(),
  refusedCount: z.int(),
  notPostedCount: z.int(),
  results: z.array(BulkResult),
});
