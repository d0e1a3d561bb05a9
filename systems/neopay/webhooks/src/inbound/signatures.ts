import { createHmac, timingSafeEqual } from "node:crypto";
import { macOf } from "@banyan/webhooks";
import type { TakeNotice } from "./schemas.ts";

/** Why a notice is not believed. */
export type Refusal = "missing" | "wrong" | "outsideTolerance";

type Check = (given: TakeNotice, secrets: readonly string[], now: number) => Refusal | null;

/** How far a signed timestamp may be from our clock, either way: what Stripe's and the Standard Webhooks libraries take. */
const toleranceMs = 5 * 60_000;
/** Signatures in one header: as many as keys overlap, with room. */
const signaturesMax = 16;

/** `Stripe-Signature: t=1492774577,v1=<hex>[,v1=<hex>]`, HMAC-SHA256 over `t.body`. */
export const checkStripe: Check = ({ payload, stripeSignature }, secrets, now) => {
  if (stripeSignature === undefined) return "missing";
  const parts = stripeSignature.split(",").map((part) => part.trim());
  const [timestamp] = parts.flatMap((part) => (/^t=\d{1,12}$/.test(part) ? [part.slice(2)] : []));
  const given = parts.flatMap((part) => (/^v1=[0-9a-f]{64}$/.test(part) ? [Buffer.from(part.slice(3), "hex")] : []));
  if (timestamp === undefined) return "wrong";
  const expected = secrets.map((secret) => hmac(secret, `${timestamp}.${payload}`));
  return anyEqual(given, expected) ? outsideTolerance(timestamp, now) : "wrong";
};

/** `X-Razorpay-Signature: <hex>`, HMAC-SHA256 over the body. No time is signed: a repetition is known by its body alone. */
export const checkRazorpay: Check = ({ payload, razorpaySignature }, secrets) => {
  if (razorpaySignature === undefined) return "missing";
  if (!/^[0-9a-f]{64}$/.test(razorpaySignature)) return "wrong";
  const expected = secrets.map((secret) => hmac(secret, payload));
  return anyEqual([Buffer.from(razorpaySignature, "hex")], expected) ? null : "wrong";
};

/** Standard Webhooks 1.0: `webhook-signature: v1,<base64> …` over `id.timestamp.body`. */
export const checkStandard: Check = ({ payload, webhookId, webhookTimestamp, webhookSignature }, secrets, now) => {
  if (webhookId === undefined || webhookTimestamp === undefined || webhookSignature === undefined) return "missing";
  if (!/^\d{1,12}$/.test(webhookTimestamp)) return "wrong";
  const given = webhookSignature
    .split(" ")
    .flatMap((part) => (/^v1,[A-Za-z0-9+/]{43}=$/.test(part) ? [Buffer.from(part.slice(3), "base64")] : []));
  const signed = { id: webhookId, timestamp: Number(webhookTimestamp), body: payload };
  const expected = secrets.map((secret) => macOf(signed, Buffer.from(secret.replace(/^whsec_/, ""), "base64")));
  return anyEqual(given, expected) ? outsideTolerance(webhookTimestamp, now) : "wrong";
};

function hmac(secret: string, text: string): Buffer {
  return createHmac("sha256", secret).update(text).digest();
}

/** All of 32 bytes; in a time that does not tell where two differ. */
function anyEqual(given: readonly Buffer[], expected: readonly Buffer[]): boolean {
  let isEqual = false;
  for (const one of given.slice(0, signaturesMax)) {
    for (const other of expected) isEqual = timingSafeEqual(one, other) || isEqual;
  }
  return isEqual;
}

function outsideTolerance(seconds: string, now: number): Refusal | null {
  return Math.abs(now - Number(seconds) * 1_000) > toleranceMs ? "outsideTolerance" : null;
}
