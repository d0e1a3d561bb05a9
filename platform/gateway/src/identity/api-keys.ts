import { hash, timingSafeEqual } from "node:crypto";
import type { Identity } from "@banyan/kernel";
import { anonymousIdentity } from "@banyan/kernel/app";
import type { Authenticator } from "./authenticator.ts";

/** One API key, as data: give the hash wherever the key itself need not be known. */
export interface ApiKey {
  /** SHA-256 of the key's UTF-8 text, 64 hexadecimal digits; see `hashApiKey`. */
  readonly hash: string;
  readonly identity: Identity;
}

/** Keys seen lately. An entry is a header of up to 16 KB, but only valid ones are kept. */
const recentMax = 1_024;
/** 128 bits of randomness take 22 characters of base64url; a shorter key may have been made up by a person. */
const keyLengthMin = 20;

/**
 * The hash under which a key is kept. Plain SHA-256, without salt or stretching: those protect what people choose, and
 * a key is random, so that there is no list of likely ones to try; 2^128 guesses cost what they cost. Throws for a key
 * that is too short to be random.
 */
export function hashApiKey(key: string): string {
  if (key.length < keyLengthMin) {
    throw new Error(`an API key has at least ${keyLengthMin} characters; make one with: openssl rand -base64 32`);
  }
  return hash("sha256", key, "hex");
}

/** Authenticates `Authorization: Bearer <key>` against a fixed list. Throws where a hash is not one, or is given twice. */
export function createApiKeyAuthenticator(keys: readonly ApiKey[]): Authenticator {
  const known = new Map<string, { readonly digest: Buffer; readonly identity: Identity }>();
  for (const { hash: text, identity } of keys) {
    if (!/^[0-9a-f]{64}$/.test(text))
      throw new Error(`the API key of ${identity.subject} needs its SHA-256 in 64 hexadecimal digits`);
    if (known.has(text.slice(0, 16))) throw new Error(`the API key of ${identity.subject} is in the list twice`);
    known.set(text.slice(0, 16), { digest: Buffer.from(text, "hex"), identity });
  }
  /** By header. Hashing costs 1 us; finding a string under V8's seeded hash tells an attacker nothing about it. */
  const recent = new Map<string, Identity>();
  return {
    authenticate({ authorization }) {
      if (authorization === undefined) return anonymousIdentity;
      const found = recent.get(authorization);
      if (found !== undefined) return found;
      const key = bearerTokenIn(authorization);
      if (key === undefined) return undefined;
      const digest = hash("sha256", key, "buffer");
      const entry = known.get(digest.toString("hex", 0, 8));
      if (entry === undefined || !timingSafeEqual(entry.digest, digest)) return undefined;
      if (recent.size >= recentMax) recent.clear();
      recent.set(authorization, entry.identity);
      return entry.identity;
    },
  };
}

/**
 * Authenticates `Authorization: Bearer <key>` by asking `lookUp`, which is given the key's hash and answers undefined where nobody has
 * the key. It is asked for every request: a key that was revoked is refused from then on.
 */
export function createKeyAuthenticator(lookUp: (keyHash: string) => Promise<Identity | undefined>): Authenticator {
  return {
    authenticate({ authorization }) {
      if (authorization === undefined) return anonymousIdentity;
      const key = bearerTokenIn(authorization);
      return key === undefined ? undefined : lookUp(hash("sha256", key, "hex"));
    },
  };
}

/** RFC 6750, section 2.1. */
function bearerTokenIn(authorization: string): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
}
