import { accountAddress, amountMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses; Postgres cannot store NUL
const printable = /^[^\u0000-\u001f\u007f]*$/;
export const text = (charsMax: number) =>
  z
    .string()
    .min(1)
    .max(charsMax)
    .regex(printable, { error: "must not hold control characters" })
    .refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode, without lone surrogates" });

const sumMinor = z.int().min(0);

export const merchantCode = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, { error: "must be a merchant's code, such as acme" });
export const Method = z.enum(["WALLET", "ATM", "CC", "QR"]);
export type Method = z.output<typeof Method>;

export const CreatePayment = z
  .strictObject({
    /** Who collects; where it is absent, the merchant whose key calls. */
    merchant: merchantCode.optional(),
    /** The merchant's own name for it, once. */
    merchantTxnId: text(64),
    orderId: text(64),
    amountMinor,
    currency: currencyCode,
    method: Method,
    returnUrl: z.url().max(2_000).optional(),
    /** auto: all of it as soon as it is authorised. */
    capture: z.enum(["auto", "manual"]).default("auto"),
    /** From then on it is neither authorised nor captured; seven days from now where absent. */
    expiresAt: z.iso.datetime({ offset: true }).optional(),
    /**
     * HMAC-SHA256, in hexadecimal, of `merchant|merchantTxnId|orderId|amountMinor|currency|method` under the hash of the merchant's key.
     * Looked at where it is given.
     */
    signature: z.string().max(200).optional(),
  })
  .refine(({ method, capture }) => capture === "auto" || method === "WALLET" || method === "CC", {
    path: ["capture"],
    error: "must be auto: ATM and QR payments are taken at once",
  });
export type CreatePayment = z.output<typeof CreatePayment>;

export const Payment = z.strictObject({
  id: z.uuid(),
  merchant: z.string(),
  merchantTxnId: z.string(),
  orderId: z.string(),
  amountMinor,
  currency: z.string(),
  method: Method,
  capture: z.enum(["auto", "manual"]),
  returnUrl: z.string().nullable(),
  status: z.enum([
    "requires_payment_method",
    "requires_capture",
    "partially_captured",
    "succeeded",
    "failed",
    "canceled",
    "expired",
  ]),
  /** 0 ok, 1 bank reject, 9 in process, 17 expired, 18 user cancel, 99 pending. */
  resultCode: z.int(),
  /** Why the last movement came to nothing, in one word; null where it did not. */
  reason: z.string().nullable(),
  /** What is under way; null for most. Its id is what an ATM's or QR code's provider gets as reference. */
  pending: z.strictObject({ id: z.uuid(), kind: z.enum(["authorization", "capture", "refund", "release"]) }).nullable(),
  authorizedMinor: sumMinor,
  capturedMinor: sumMinor,
  refundedMinor: sumMinor,
  /** In disputes that are open or lost. */
  disputedMinor: sumMinor,
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export type Payment = z.output<typeof Payment>;

export const AtPayment = z.strictObject({ id: z.uuid() });

export const Authorize = z.strictObject({
  id: z.uuid(),
  /** Of a WALLET payment the wallet's address, `users:alice:wallet`; of CC the card's token from the acquirer; else nothing. */
  instrument: z
    .union([accountAddress, z.string().regex(/^tok_[0-9a-f]{24}$/)], {
      error:
        "must be a wallet's address, such as users:alice:wallet, or a card's token, such as tok_ and 24 hexadecimal digits",
    })
    .optional(),
});

/** Part of what is left; all of it where `amountMinor` is absent. */
export const Part = z.strictObject({ id: z.uuid(), amountMinor: amountMinor.optional() });

/** A capture that has begun: what is to be taken, and where it goes. */
export const CaptureOrder = z.strictObject({
  paymentId: z.uuid(),
  captureId: z.uuid(),
  /** Who moves the money: our ledger's wallets, the card's acquirer, or the payer, at an ATM or with a QR code. */
  rail: z.enum(["wallet", "card", "push"]),
  /** What it is taken from; empty where the payer brings it. */
  authorizationRef: z.string(),
  amountMinor,
  feeMinor: sumMinor,
  currency: currencyCode,
  /** The merchant's part, then the fees'; together the amount. */
  parts: z.array(z.strictObject({ destination: z.string(), amountMinor })),
});
export type CaptureOrder = z.output<typeof CaptureOrder>;

/** A capture whose money was taken. */
export const CaptureDone = z.strictObject({
  paymentId: z.uuid(),
  captureId: z.uuid(),
  amountMinor,
  feeMinor: sumMinor,
  /** The ledger's. */
  transactionId: z.uuid(),
  /** What the next capture takes from, where that is another than before. */
  authorizationRef: z.string().optional(),
});

export const Movement = z.strictObject({
  id: z.uuid(),
  kind: z.enum(["authorization", "capture", "refund", "release"]),
  amountMinor: sumMinor,
  feeMinor: sumMinor,
  status: z.enum(["pending", "done", "failed"]),
  reason: z.string().nullable(),
  /** The ledger's; null where nothing was posted. */
  transactionId: z.uuid().nullable(),
  begunAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
});
export type Movement = z.output<typeof Movement>;

export const SpendingLimit = z.strictObject({
  merchant: merchantCode,
  /** The merchant's limits are told apart by it; setting one again changes it. */
  name: text(64),
  /** null: all methods together. */
  method: Method.nullable(),
  /** Each wallet or card for itself; otherwise all together. */
  perInstrument: z.boolean(),
  /** Authorised in a day (UTC), in minor units; null: no bound. */
  dayMinorMax: sumMinor.nullable(),
  /** Tries in each window of `windowMs`, counted from 1970; null: no bound. */
  countMax: z.int().min(0).max(1_000_000).nullable(),
  windowMs: z.int().min(1_000).max(86_400_000).nullable(),
});

export type SpendingLimit = z.output<typeof SpendingLimit>;

export const AtLimit = SpendingLimit.pick({ merchant: true, name: true });

const { method, perInstrument, dayMinorMax, countMax, windowMs } = SpendingLimit.shape;
export const SetLimit = SpendingLimit.extend({
  method: method.default(null),
  perInstrument: perInstrument.default(false),
  dayMinorMax: dayMinorMax.default(null),
  countMax: countMax.default(null),
  windowMs: windowMs.default(null),
})
  .refine((limit) => limit.dayMinorMax !== null || limit.countMax !== null, {
    error: "must have dayMinorMax, or countMax with windowMs",
  })
  .refine((limit) => (limit.countMax === null) === (limit.windowMs === null), {
    path: ["windowMs"],
    error: "goes with countMax",
  });

export const Dispute = z.strictObject({
  id: z.uuid(),
  paymentId: z.uuid(),
  amountMinor,
  reason: z.string(),
  status: z.enum(["open", "won", "lost"]),
  evidence: z.array(z.strictObject({ kind: z.string(), text: z.string(), at: z.iso.datetime() })),
  /** The chargeback's; null until it is lost. */
  transactionId: z.uuid().nullable(),
  openedAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
});
export type Dispute = z.output<typeof Dispute>;

/** What every event of a payment says. */
export const told = {
  paymentId: z.uuid(),
  merchant: z.string(),
  merchantTxnId: z.string(),
  orderId: z.string(),
  method: Method,
  currency: z.string(),
  status: Payment.shape.status,
  resultCode: z.int(),
};
