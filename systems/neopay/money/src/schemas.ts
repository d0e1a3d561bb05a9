import * as z from "zod";
import { amountMinorMax } from "./amount.ts";
import { isCurrencyCode } from "./currency.ts";

/** Minor units of a movement: a JSON integer from 1 to 2^53-1. Zero, negatives, fractions and unsafe integers are refused. */
export const amountMinor = z
  .int({
    error: "must be a whole number of minor units from 1 to 9007199254740991",
  })
  .min(1, { error: "must be at least 1 minor unit" })
  .max(amountMinorMax, {
    error: "must be at most 9007199254740991 minor units",
  });

/** Minor units of a balance or difference: any safe integer, negative included. */
export const balanceMinor = z.int().min(-amountMinorMax).max(amountMinorMax);

/**
 * An ISO 4217 code, upper case, of a currency that has a minor unit. Described to the outside as a pattern and not as a list
 * of codes: the list changes with the world, and a change of the world is not a breaking change of a contract.
 */
export const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, {
    error: "must be an ISO 4217 currency code such as EUR or CZK",
  })
  .refine(isCurrencyCode, {
    error: "must be an ISO 4217 currency code such as EUR or CZK",
  });

/** Characters of an account address, at most. */
export const addressCharsMax = 128;

/**
 * An account address: 1 to 10 segments of letters, digits, `_`, `-` and `.`, joined by colons (`users:alice:wallet`).
 * At most 128 characters, so that it fits an index entry and a URL path segment.
 */
export const accountAddress = z
  .string()
  .max(addressCharsMax, {
    error: `must have at most ${addressCharsMax} characters`,
  })
  .regex(/^[A-Za-z0-9_.-]{1,64}(?::[A-Za-z0-9_.-]{1,64}){0,9}$/, {
    error: "must be colon-joined segments of letters, digits, _, - or ., such as users:alice:wallet",
  });
