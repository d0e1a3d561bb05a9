import { command, defineContract, event, fault, query, workflow } from "@banyan/kernel";
import { currencyCode, feePlan } from "@banyan/neopay-money";
import * as z from "zod";

/** A merchant's name for machines: the part of its ledger addresses that is its own. */
const code = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, {
  error: "must be 1 to 40 lower-case letters, digits, dashes or underscores, such as acme",
});
const name = z.string().trim().min(1).max(200);
const webhookUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .nullable()
  .default(null);
/** SHA-256 of the key's UTF-8 text, in hexadecimal: `printf %s "$KEY" | sha256sum`. The key stays with the merchant. */
const keyHash = z.string().regex(/^[0-9a-f]{64}$/, { error: "must be a SHA-256 in 64 lower-case hexadecimal digits" });

/** A merchant as others see it: without its key. */
const Merchant = z.strictObject({
  code,
  name: z.string(),
  /** What it collects, and is settled, in. */
  currency: z.string(),
  /** Only an approved merchant collects. */
  status: z.enum(["pending", "approved", "suspended"]),
  feePlan: z.strictObject({
    basisPoints: z.int(),
    fixedMinor: z.int(),
    minimumMinor: z.int(),
    maximumMinor: z.int().nullable(),
    shares: z.array(z.strictObject({ account: z.string(), weight: z.int() })),
  }),
  webhookUrl: z.string().nullable(),
  /** Milliseconds since 1970. */
  createdAt: z.int(),
});
export type Merchant = z.output<typeof Merchant>;

const AtMerchant = z.strictObject({ code });

/** Who collects money: onboarding, terms, standing and key. */
export const merchants = defineContract("merchants", {
  faults: {
    merchantNotFound: fault("not_found", AtMerchant, { message: ({ code }) => `there is no merchant ${code}` }),
    merchantExists: fault("conflict", AtMerchant, { message: ({ code }) => `the merchant ${code} is there already` }),
    keyInUse: fault("conflict", AtMerchant, {
      message: ({ code }) => `the key of ${code} is another merchant's; make one with: openssl rand -base64 32`,
    }),
  },
  commands: {
    onboard: command({
      summary: "Takes a merchant in, pending",
      input: z.strictObject({
        code,
        name,
        currency: currencyCode,
        feePlan,
        webhookUrl,
        keyHash,
      }),
      output: Merchant,
      faults: ["merchantExists", "keyInUse"],
      http: "POST /v1/merchants",
      httpStatus: 201,
      access: "merchants:write",
    }),
    suspend: command({
      summary: "Stops a merchant from collecting; what was captured can still be refunded",
      input: AtMerchant,
      output: Merchant,
      faults: ["merchantNotFound"],
      http: "POST /v1/merchants/:code/suspend",
      access: "merchants:approve",
    }),
    changeTerms: command({
      summary: "Changes fee plan, webhook or key; payments that exist keep the terms that they began with",
      input: z.strictObject({
        code,
        feePlan: feePlan.optional(),
        webhookUrl: webhookUrl.unwrap().optional(),
        keyHash: keyHash.optional(),
      }),
      output: Merchant,
      faults: ["merchantNotFound", "keyInUse"],
      http: "PATCH /v1/merchants/:code",
      access: "merchants:write",
    }),
  },
  workflows: {
    /** Opens `merchants:CODE:settlement` and the accounts of its fee plan where they are not open, then lets it collect. */
    approve: workflow({
      summary: "Opens a merchant's accounts and lets it collect",
      input: AtMerchant,
      output: Merchant,
      faults: ["merchantNotFound"],
      http: "POST /v1/merchants/:code/approve",
      access: "merchants:approve",
      version: 1,
    }),
  },
  queries: {
    find: query({
      summary: "A merchant",
      input: AtMerchant,
      output: Merchant,
      faults: ["merchantNotFound"],
      http: "GET /v1/merchants/:code",
      access: "merchants:read",
      cache: { ttlMs: 1_000, tags: ({ code }) => [code] },
    }),
    list: query({
      summary: "Merchants by code",
      input: z.strictObject({ after: code.optional(), limit: z.int().min(1).max(1_000).default(100) }),
      output: z.object({ merchants: z.array(Merchant), next: z.string().nullable() }),
      http: "GET /v1/merchants",
      access: "merchants:read",
    }),
    /** Whether `signature` is HMAC-SHA256, in hexadecimal, of the UTF-8 text under the 32 bytes of the merchant's key hash. */
    verifySignature: query({
      summary: "Tells whether a merchant signed a text",
      input: z.strictObject({ code, text: z.string().max(10_000), signature: z.string().max(200) }),
      output: z.object({ ok: z.boolean() }),
      faults: ["merchantNotFound"],
      access: "merchants:verify",
    }),
  },
  events: {
    changed: event({ data: Merchant, key: ({ code }) => code }),
  },
});
