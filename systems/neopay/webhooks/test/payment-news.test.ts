import { expect, test } from "vitest";
import { paymentNewsOf } from "../src/inbound/payment-news.ts";

const reference = "0199a0c4-7d1e-7c55-b0a1-3c5a1a2b3c4d";
const told = { eventId: "e1", subject: "s1", occurredAt: 0 };

test.each([
  { scheme: "stripe", type: "payment_intent.succeeded", data: { metadata: { reference } }, outcome: "authorized" },
  { scheme: "stripe", type: "payment_intent.canceled", data: { metadata: { reference } }, outcome: "canceled" },
  { scheme: "razorpay", type: "payment.captured", data: { notes: { reference } }, outcome: "authorized" },
  { scheme: "standard", type: "payment.declined", data: { reference }, outcome: "declined" },
] as const)("$scheme's $type says how a payment ended", ({ scheme, type, data, outcome }) => {
  expect(paymentNewsOf(scheme, { ...told, type, data })).toEqual({ outcome, reference });
});

test.each([
  { why: "a try may be followed by another", scheme: "stripe", type: "payment_intent.payment_failed" },
  { why: "a try may be followed by another", scheme: "razorpay", type: "payment.failed" },
  { why: "Razorpay writes no notes as a list", scheme: "razorpay", type: "payment.captured", data: { notes: [] } },
  { why: "the payment is none of ours", scheme: "stripe", type: "payment_intent.succeeded", data: { metadata: {} } },
  { why: "it is another provider's word", scheme: "standard", type: "payment_intent.succeeded" },
  { why: "every object has that name", scheme: "standard", type: "constructor" },
] as const)("$scheme's $type says nothing final: $why", ({ scheme, type, ...given }) => {
  const data = "data" in given ? given.data : { reference, metadata: { reference }, notes: { reference } };
  expect(paymentNewsOf(scheme, { ...told, type, data })).toBeNull();
});
