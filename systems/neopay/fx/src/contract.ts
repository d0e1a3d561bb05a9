import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import { accountAddress, amountMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

const id = z.uuid();
const instant = z.iso.datetime();

/** Units of the target for one unit of the source: `1.0842`. Text, since a binary fraction would be another rate. */
const rate = z
  .string()
  .regex(/^(?=.*[1-9])(?:0|[1-9]\d{0,9})(?:\.\d{1,10})?$/, { error: "must be a decimal above 0, such as 1.0842" });

const pair = { sourceCurrency: currencyCode, targetCurrency: currencyCode };

const Rate = z.object({ ...pair, rate, setBy: z.string(), setAt: instant });

/** What was quoted, and until when it holds. */
const Quote = z.object({
  id,
  ...pair,
  rate,
  sourceMinor: amountMinor,
  targetMinor: amountMinor,
  /** What rounding keeps, in minor units of the target; exact decimal text. */
  remainder: z.string(),
  createdAt: instant,
  expiresAt: instant,
});
export type Quote = z.infer<typeof Quote>;

/** A quote that was used, and what became of it. */
const Conversion = z.strictObject({
  id,
  quoteId: id,
  source: z.string(),
  destination: z.string(),
  /** failed: the ledger refused, and nothing moved; take a new quote. */
  status: z.enum(["pending", "posted", "failed"]),
  /** The code of the ledger's refusal. */
  reason: z.string().nullable(),
  transactionId: id.nullable(),
  createdAt: instant,
  settledAt: instant.nullable(),
});
export type Conversion = z.infer<typeof Conversion>;

/** Foreign exchange by quotes: what is quoted holds until it expires, for one conversion. */
export const fx = defineContract("fx", {
  faults: {
    noRate: fault("not_found", z.object(pair), {
      message: ({ sourceCurrency, targetCurrency }) =>
        `there is no rate of ${sourceCurrency} in ${targetCurrency}; set one`,
    }),
    sameCurrency: fault("invalid", z.object({ currency: currencyCode }), {
      message: ({ currency }) => `${currency} for ${currency} is no exchange`,
    }),
    /** Rounded it is nothing, or more than an amount can be. */
    amountOutOfRange: fault("invalid", z.object({ ...pair, rate }), {
      message: ({ sourceCurrency, targetCurrency, rate }) =>
        `at ${rate} this is less than one minor unit of ${targetCurrency}, or more ${sourceCurrency} than can be held`,
    }),
    quoteNotFound: fault("not_found", z.object({ quoteId: id }), {
      message: ({ quoteId }) => `there is no quote ${quoteId}`,
    }),
    quoteExpired: fault("conflict", z.object({ quoteId: id, expiredAt: instant }), {
      message: ({ quoteId, expiredAt }) => `the quote ${quoteId} expired at ${expiredAt}`,
    }),
    quoteUsed: fault("conflict", z.object({ quoteId: id, conversionId: id }), {
      message: ({ quoteId, conversionId }) => `the quote ${quoteId} was used before, by the conversion ${conversionId}`,
    }),
    conversionNotFound: fault("not_found", z.object({ id }), {
      message: ({ id }) => `there is no conversion ${id}`,
    }),
  },
  commands: {
    setRate: command({
      summary: "Sets the rate of a pair for quotes from now on; the other direction has its own",
      input: z.strictObject({ ...pair, rate }),
      output: Rate,
      faults: ["sameCurrency"],
      http: "POST /v1/fx/rates",
      httpStatus: 201,
      access: "fx:set",
    }),
    quote: command({
      summary: "Quotes what an amount of one currency buys, or what an amount of the other costs",
      input: z
        .strictObject({
          ...pair,
          /** To be sold; or `targetMinor`, to be bought. */
          sourceMinor: amountMinor.optional(),
          targetMinor: amountMinor.optional(),
          /** How long the quote holds. */
          validForMs: z.int().min(1_000).max(900_000).default(60_000),
        })
        .refine(({ sourceMinor, targetMinor }) => (sourceMinor === undefined) !== (targetMinor === undefined), {
          error: "must have either sourceMinor or targetMinor",
        }),
      output: Quote,
      faults: ["noRate", "sameCurrency", "amountOutOfRange"],
      http: "POST /v1/fx/quotes",
      httpStatus: 201,
      access: "fx:write",
    }),
    convert: command({
      summary: "Uses a quote: the ledger moves both amounts, or neither",
      input: z.strictObject({
        quoteId: id,
        /** Pays the source amount. */
        source: accountAddress,
        /** Gets the target amount. */
        destination: accountAddress,
      }),
      output: Conversion,
      faults: ["quoteNotFound", "quoteExpired", "quoteUsed"],
      http: "POST /v1/fx/conversions",
      httpStatus: 202,
      access: "fx:write",
    }),
  },
  queries: {
    findQuote: query({
      summary: "A quote",
      input: z.strictObject({ id }),
      output: Quote,
      faults: ["quoteNotFound"],
      http: "GET /v1/fx/quotes/:id",
      access: "fx:read",
    }),
    conversion: query({
      summary: "A conversion and what became of it",
      input: z.strictObject({ id }),
      output: Conversion,
      faults: ["conversionNotFound"],
      http: "GET /v1/fx/conversions/:id",
      access: "fx:read",
    }),
    /** Of what was posted. Converted at their rates, the sums of the source are those of the target and the remainder together. */
    positions: query({
      summary: "What was exchanged, per pair of currencies, with what rounding kept",
      input: z.strictObject({}),
      output: z.object({
        positions: z.array(
          z.object({
            ...pair,
            conversionCount: z.int(),
            sourceMinor: z.int(),
            targetMinor: z.int(),
            remainder: z.string(),
          }),
        ),
      }),
      http: "GET /v1/fx/positions",
      access: "fx:read",
    }),
  },
  events: {
    converted: event({ data: Conversion, key: ({ id }) => id }),
    conversionFailed: event({ data: Conversion, key: ({ id }) => id }),
  },
  jobs: {
    /** Has the ledger move the money of one conversion. */
    post: job({ input: z.strictObject({ id }) }),
  },
});
