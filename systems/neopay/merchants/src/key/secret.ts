import { createHash, randomBytes } from "node:crypto";

/** 256 bits: as many as the hash under which a key is kept. */
const keyBytes = 32;
/** Scanners for secrets find keys by it. */
const prefix = "npk_";
const shownCount = 4;

/** A key as it is shown once, and what is kept of it. */
export interface Secret {
  readonly key: string;
  readonly hash: Buffer;
  readonly hint: string;
}

export function newSecret(): Secret {
  const random = randomBytes(keyBytes).toString("base64url");
  const key = `${prefix}${random}`;
  return {
    key,
    hash: createHash("sha256").update(key).digest(),
    hint: `${prefix}${random.slice(0, shownCount)}…${random.slice(-shownCount)}`,
  };
}
