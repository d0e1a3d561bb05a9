import { command, defineContract, event, fault, type Identity, query, workflow } from "@banyan/kernel";
import { currencyCode, feePlan } from "@banyan/neopay-money";
import * as z from "zod";
import { AtKey, CreateKey, merchantCode as code, Key, KeyHolder, NewKey, RotateKey } from "./key/schemas.ts";

const name = z.string().trim().min(1).max(200);
const webhookUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .nullable()
  .default(null);
/** SHA-256 of a key's UTF-8 text, in hexadecimal. */
const keyHash = z.string().regex(/^[0-9a-f]{64}$/, { error: "must be a SHA-256 in 64 lower-case hexadecimal digits" });

/** A merchant as others see it. */
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
  createdAt: z.iso.datetime(),
});
export type Merchant = z.output<typeof Merchant>;

const AtMerchant = z.strictObject({ code });
const AboutKey = z.object({ id: z.uuid() });

const actsForPrefix = "merchants/";

/** The permission to know of a merchant and to act for it, as its own keys have; what they may do is said by others. */
export function actsFor(code: string): string {
  return `${actsForPrefix}${code}`;
}

/** The one merchant that a caller acts for, as its own keys do; undefined where there is none, or several. */
export function merchantOf({ permissions }: Identity): string | undefined {
  const [only, another] = [...permissions].filter((permission) => permission.startsWith(actsForPrefix));
  return another === undefined ? only?.slice(actsForPrefix.length) : undefined;
}

/** Who collects money: onboarding, terms, standing and keys. */
export const merchants = defineContract("merchants", {
  faults: {
    merchantNotFound: fault("not_found", AtMerchant, { message: ({ code }) => `there is no merchant ${code}` }),
    merchantExists: fault("conflict", AtMerchant, { message: ({ code }) => `the merchant ${code} is there already` }),
    keyNotFound: fault("not_found", AboutKey, { message: ({ id }) => `the merchant has no key ${id}` }),
    keyRevoked: fault("conflict", AboutKey, { message: ({ id }) => `the key ${id} is revoked; create another one` }),
    tooManyKeys: fault("conflict", z.object({ keysMax: z.int() }), {
      message: ({ keysMax }) => `the merchant has ${keysMax} keys; revoke one that is not needed`,
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
      }),
      output: Merchant,
      faults: ["merchantExists"],
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
      summary: "Changes fee plan or webhook; payments that exist keep the terms that they began with",
      input: z.strictObject({
        code,
        feePlan: feePlan.optional(),
        webhookUrl: webhookUrl.unwrap().optional(),
      }),
      output: Merchant,
      faults: ["merchantNotFound"],
      http: "PATCH /v1/merchants/:code",
      access: "merchants:write",
    }),
    createKey: command({
      summary: "Makes a key that the merchant calls and signs with; it is in this answer and in no other",
      input: CreateKey,
      output: NewKey,
      answers: "once",
      faults: ["merchantNotFound", "tooManyKeys"],
      http: "POST /v1/merchants/:code/keys",
      httpStatus: 201,
      access: "merchants:keys",
    }),
    rotateKey: command({
      summary: "Makes another key in a key's place; the old one is taken beside it for a day",
      input: RotateKey,
      output: NewKey,
      answers: "once",
      faults: ["keyNotFound", "keyRevoked"],
      http: "POST /v1/merchants/:code/keys/:id/rotate",
      access: "merchants:keys",
    }),
    revokeKey: command({
      summary: "Refuses a key from now on, and the one before it",
      input: AtKey,
      output: Key,
      faults: ["keyNotFound"],
      http: "POST /v1/merchants/:code/keys/:id/revoke",
      access: "merchants:keys",
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
    keys: query({
      summary: "A merchant's keys, masked, oldest first; those that are revoked, too",
      input: AtMerchant,
      output: z.object({ keys: z.array(Key) }),
      faults: ["merchantNotFound"],
      http: "GET /v1/merchants/:code/keys",
      access: "merchants:keys",
    }),
    /** For those who let callers in: null where no key that is taken has the hash. */
    keyHolder: query({
      input: z.strictObject({ hash: keyHash }),
      output: z.object({ found: KeyHolder.nullable() }),
      access: "public",
    }),
    /** Whether `signature` is HMAC-SHA256, in hexadecimal, of the UTF-8 text under the 32 bytes of the hash of one of the merchant's keys. */
    verifySignature: query({
      summary: "Tells whether a merchant signed a text",
      input: z.strictObject({ code, text: z.string().max(10_000), signature: z.string().max(200) }),
      output: z.object({ ok: z.boolean() }),
      access: "merchants:verify",
    }),
  },
  events: {
    changed: event({ data: Merchant, key: ({ code }) => code }),
  },
});
