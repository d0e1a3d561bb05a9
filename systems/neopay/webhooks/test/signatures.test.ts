import { createHmac } from "node:crypto";
import { newSecret, printedSecret, signedHeaders } from "@banyan/webhooks";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { type Provider, verifyNotice } from "../src/inbound/provider.ts";

const now = Date.parse("2026-11-21T12:00:00Z");
const seconds = now / 1_000;
const hex = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex");

test("what is sent is good to the official library, with the new secret and with the old one", () => {
  const [secret, old, other] = [newSecret(), newSecret(), newSecret()];
  const body = '{"type":"payout.sent","data":{"name":"Žižka & synové"}}';
  const timestamp = Math.floor(Date.now() / 1_000);
  const headers = signedHeaders({ id: "msg_1", timestamp, body }, [secret, old]);
  for (const known of [secret, old]) {
    expect(new Webhook(printedSecret(known)).verify(body, headers)).toEqual(JSON.parse(body));
  }
  expect(() => new Webhook(printedSecret(other)).verify(body, headers)).toThrow("No matching signature");
  expect(() => new Webhook(printedSecret(secret)).verify(`${body} `, headers)).toThrow("No matching signature");
});

const stripe: Provider = { scheme: "stripe", secrets: ["whsec_new", "whsec_old"] };
const stripeBody = JSON.stringify({
  id: "evt_1",
  type: "charge.captured",
  created: seconds - 60,
  data: { object: { id: "ch_1", amount: 500 } },
});
const stripeNotice = (payload: string, stripeSignature?: string) => {
  const given = { provider: "stripe", payload, ...(stripeSignature !== undefined && { stripeSignature }) };
  return verifyNotice(stripe, given, now);
};
const stripeSigned = (at: number, secret = "whsec_new", body = stripeBody) =>
  `t=${at},v1=${hex(secret, `${at}.${body}`)}`;

test("Stripe's scheme: what is signed with either secret, within five minutes, is a notice", () => {
  const notice = { eventId: "evt_1", type: "charge.captured", subject: "ch_1", occurredAt: now - 60_000 };
  for (const header of [
    stripeSigned(seconds),
    stripeSigned(seconds, "whsec_old"),
    stripeSigned(seconds - 299),
    stripeSigned(seconds + 299),
    `${stripeSigned(seconds)},v0=abc`,
    `t=${seconds},v1=${"0".repeat(64)},${stripeSigned(seconds).split(",")[1]}`,
  ]) {
    expect(stripeNotice(stripeBody, header)).toMatchObject({ notice });
  }
});

test.each([
  ["no header", undefined, "missing"],
  ["an empty one", "", "wrong"],
  ["six minutes ago", stripeSigned(seconds - 360), "outsideTolerance"],
  ["in six minutes", stripeSigned(seconds + 360), "outsideTolerance"],
  ["another secret", stripeSigned(seconds, "whsec_no"), "wrong"],
  ["another body", stripeSigned(seconds, "whsec_new", `${stripeBody} `), "wrong"],
  ["a timestamp that was not signed", stripeSigned(seconds).replace(`t=${seconds}`, `t=${seconds - 1}`), "wrong"],
  ["no timestamp", stripeSigned(seconds).replace(/^t=\d+,/, ""), "wrong"],
  ["a signature cut short", stripeSigned(seconds).slice(0, -2), "wrong"],
  ["a signature too long", `${stripeSigned(seconds)}00`, "wrong"],
  ["an older scheme", stripeSigned(seconds).replace("v1=", "v0="), "wrong"],
  ["digits of another script", stripeSigned(seconds).replace("t=1", "t=１"), "wrong"],
])("Stripe's scheme refuses %s", (_, header, reason) => {
  expect(stripeNotice(stripeBody, header)).toEqual({ refused: reason });
});

test("Stripe's scheme: one altered byte of the body is refused, wherever it is", () => {
  const header = stripeSigned(seconds);
  for (let at = 0; at < stripeBody.length; at++) {
    const altered = `${stripeBody.slice(0, at)}~${stripeBody.slice(at + 1)}`;
    expect(stripeNotice(altered, header)).toEqual({ refused: "wrong" });
  }
});

test("what is signed well and is no notice is told apart from a bad signature", () => {
  for (const body of ["[]", "null", "{", '{"id":"evt_1"}', stripeBody.replace("ch_1", "")]) {
    expect(stripeNotice(body, stripeSigned(seconds, "whsec_new", body))).toEqual({ notice: null });
  }
});

test("Razorpay's scheme: the body is signed, and the body is the event's identity", () => {
  const razorpay: Provider = { scheme: "razorpay", secrets: ["key"] };
  const payload = JSON.stringify({
    entity: "event",
    event: "payment.captured",
    contains: ["payment"],
    payload: { payment: { entity: { id: "pay_1", amount: 500 } } },
    created_at: seconds,
  });
  const verify = (razorpaySignature?: string, body = payload) =>
    verifyNotice(
      razorpay,
      { provider: "razorpay", payload: body, ...(razorpaySignature !== undefined && { razorpaySignature }) },
      now,
    );
  const good = verify(hex("key", payload));
  expect(good).toMatchObject({ notice: { type: "payment.captured", subject: "pay_1", occurredAt: now } });
  expect(verify(hex("key", payload))).toEqual(good);
  expect(verify(hex("other", payload))).toEqual({ refused: "wrong" });
  expect(verify(hex("key", payload), payload.replace("500", "900"))).toEqual({ refused: "wrong" });
  expect(verify(hex("key", payload).toUpperCase())).toEqual({ refused: "wrong" });
  expect(verify()).toEqual({ refused: "missing" });
});

test("Standard Webhooks: what the official library signs is taken, and id, time and body are all bound", () => {
  const secret = printedSecret(newSecret());
  const provider: Provider = { scheme: "standard", secrets: [secret] };
  const payload = JSON.stringify({ type: "a.b", timestamp: "2026-11-21T11:59:00Z", data: { id: "x" } });
  const webhookSignature = new Webhook(secret).sign("msg_1", new Date(now), payload);
  const given = { provider: "p", payload, webhookId: "msg_1", webhookTimestamp: String(seconds), webhookSignature };
  expect(verifyNotice(provider, given, now)).toMatchObject({ notice: { eventId: "msg_1", type: "a.b", subject: "x" } });
  for (const forged of [
    { webhookId: "msg_2" },
    { webhookTimestamp: String(seconds + 1) },
    { payload: `${payload} ` },
    { webhookSignature: webhookSignature.replace("v1,", "v1a,") },
  ]) {
    expect(verifyNotice(provider, { ...given, ...forged }, now)).toEqual({ refused: "wrong" });
  }
  const { webhookSignature: _, ...unsigned } = given;
  expect(verifyNotice(provider, unsigned, now)).toEqual({ refused: "missing" });
  expect(verifyNotice(provider, given, now + 360_000)).toEqual({ refused: "outsideTolerance" });
  expect(verifyNotice(provider, given, now - 360_000)).toEqual({ refused: "outsideTolerance" });
});
