import { isIban, looksLikeIban } from "@banyan/neopay-bank-files";
import { amountMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

const instant = z.iso.datetime();
const id = z.uuid();

/** Max140Text of ISO 20022, without what XML cannot hold. */
const name = z
  .string()
  .trim()
  .min(1)
  .max(140)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  .regex(/^[^\u0000-\u001f\u007f\ufffe\uffff]*$/, { error: "must not hold control characters" })
  .refine((text) => text.isWellFormed(), { error: "must be well-formed Unicode" });

/** An IBAN with right check digits, or the number of an account where there are no IBANs. */
const accountNumber = z
  .string()
  .max(34)
  .regex(/^[A-Z0-9]+$/, { error: "must be capital letters and digits, without spaces" })
  .refine((account) => !looksLikeIban(account) || isIban(account), {
    error: "must be an IBAN with the right check digits",
  });

const bic = z.string().regex(/^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/, { error: "must be a BIC" });

/** As in `merchants:CODE:settlement`. */
const merchantCode = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: "must be a merchant's code" });

/** Where a beneficiary stands among those of a tenant: its merchant's code and its currency, as in "shop:EUR". */
export const beneficiaryPlace = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}:[A-Z]{3}$/, { error: "must be the `next` of the page before" });

const Party = z.strictObject({ name, account: accountNumber, bic: bic.optional() });

export const SetBeneficiary = z.strictObject({ merchant: merchantCode, currency: currencyCode, ...Party.shape });

export const Beneficiary = z.object({
  merchant: z.string(),
  currency: z.string(),
  name: z.string(),
  account: z.string(),
  bic: z.string().nullable(),
  changedBy: z.string(),
  changedAt: instant,
});
export type Beneficiary = z.infer<typeof Beneficiary>;

/** Payouts in one batch, at most: what a person can look through, and the ledger posts at once. */
export const payoutsMax = 1_000;

export const CreateBatch = z.strictObject({
  currency: currencyCode,
  /** Whose account is paid from; the ledger mirrors it as `bank:<account>`. */
  debtor: Party,
  /** Whose balances are paid out; of every merchant with a beneficiary where absent. */
  merchants: z.array(merchantCode).min(1).max(payoutsMax).optional(),
  /** Smaller balances stay. */
  minimumMinor: amountMinor.default(1),
  /** The day on which the bank is to pay; today (UTC) where absent. */
  requestedOn: z.iso.date().optional(),
});

/**
 * planned: waits for approval. instructed: taken from the merchant and in the message to the bank. sent: the bank has paid.
 * returning, returned: rejected by the bank or sent back, and given back to the merchant. refused: the ledger had not the money.
 */
const PayoutStatus = z.enum(["planned", "refused", "instructed", "sent", "returning", "returned", "canceled"]);

export const Payout = z.object({
  id,
  merchant: z.string(),
  amountMinor,
  currency: z.string(),
  creditor: z.object({ name: z.string(), account: z.string(), bic: z.string().nullable() }),
  endToEndId: z.string(),
  status: PayoutStatus,
  /** Why it was refused or returned: a fault's code and message, or the bank's reason. */
  reason: z.string().nullable(),
  transactionId: id.nullable(),
  settledAt: instant.nullable(),
});
export type Payout = z.infer<typeof Payout>;

export const Batch = z.object({
  id,
  currency: z.string(),
  debtor: z.object({ name: z.string(), account: z.string(), bic: z.string().nullable() }),
  requestedOn: z.iso.date(),
  status: z.enum(["draft", "approved", "sent", "canceled"]),
  createdBy: z.string(),
  createdAt: instant,
  approvedBy: z.string().nullable(),
  approvedAt: instant.nullable(),
  sentAt: instant.nullable(),
});
export type Batch = z.infer<typeof Batch>;

export const FullBatch = z.object({ ...Batch.shape, payouts: z.array(Payout) });

/** What became of a payout. */
export const PayoutTold = z.strictObject({
  payoutId: id,
  batchId: id,
  merchant: z.string(),
  amountMinor,
  currency: z.string(),
  endToEndId: z.string(),
  reason: z.string().nullable(),
});
