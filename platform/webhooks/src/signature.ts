import { createHmac, randomBytes } from "node:crypto";

/** 24 to 64 bytes, says Standard Webhooks 1.0; this is the size of the hash. */
const secretBytes = 32;

/** 256 bits that nobody guesses. */
export const newSecret = (): Buffer => randomBytes(secretBytes);

/** As it is shown to whoever receives webhooks: `whsec_` and base64. */
export const printedSecret = (secret: Uint8Array): string => `whsec_${Buffer.from(secret).toString("base64")}`;

/** What is signed: the id, the moment of this attempt in seconds since 1970, and the body as it is sent. */
export interface Signed {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of Standard Webhooks 1.0. Signed with each of the secrets, so that one can be changed without a gap. */
export function signedHeaders(signed: Signed, secrets: readonly Uint8Array[]): Record<string, string> {
  return {
    "webhook-id": signed.id,
    "webhook-timestamp": String(signed.timestamp),
    "webhook-signature": secrets.map((secret) => `v1,${macOf(signed, secret).toString("base64")}`).join(" "),
  };
}

/** The symmetric signature of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`. */
export function macOf({ id, timestamp, body }: Signed, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest();
}
