import * as z from "zod";

/** Null where it exceeds 2^53-1, which JSON cannot carry exactly: no account may, but the sum of many can. */
const sumMinor = z.int().nullable();

export const TrialBalance = z.object({
  /** One per currency, in the order of their codes. Differences are exact, and 0 while the books hold. */
  currencies: z.array(
    z.object({
      currency: z.string(),
      debitsMinor: sumMinor,
      creditsMinor: sumMinor,
      differenceMinor: sumMinor,
      pendingDebitsMinor: sumMinor,
      pendingCreditsMinor: sumMinor,
      pendingDifferenceMinor: sumMinor,
    }),
  ),
});

/** One place where the books do not hold. */
const Break = z.object({
  seq: z.int().nullable(),
  account: z.string().nullable(),
  rule: z.string(),
});

export const Verification = z.object({
  ok: z.boolean(),
  /** Transactions whose postings and balances were recomputed, sealed or not yet. */
  checkedCount: z.int(),
  firstBrokenSeq: z.int().nullable(),
  /** Up to this seq every transaction's stored row is in the hash chain; 0 before the first seal. */
  sealedTo: z.int(),
  /** Newest root of the hash chain, hexadecimal; null before the first seal. Kept elsewhere, it proves what was sealed by then. */
  root: z.string().nullable(),
  /** At most 100, by seq; those of accounts alone come last. */
  breaks: z.array(Break),
});
