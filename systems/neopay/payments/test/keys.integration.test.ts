import { createApiKeyAuthenticator, createGateway, createKeyAuthenticator, firstOf, hashApiKey } from "@banyan/gateway";
import { systemIdentity } from "@banyan/kernel/app";
import { identifyMerchant } from "@banyan/neopay-merchants";
import { merchants } from "@banyan/neopay-merchants/contract";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { payments } from "../src/contract.ts";
import { type OpenPayments, openPayments } from "./open-payments.ts";

const operatorKey = "operator-key-0123456789-0123456789";
const nobodysId = "01900000-0000-7000-8000-000000000000";

let shop: OpenPayments;
let url: string;
let close: () => Promise<void>;
beforeAll(async () => {
  shop = await openPayments(inject("postgresUrl"));
  const { app } = shop;
  const feePlan = { shares: [{ account: "fees:rival", weight: 1 }], basisPoints: 100 };
  await app.call(merchants.onboard, { code: "rival", name: "Rival", currency: "EUR", feePlan });
  await app.call(merchants.approve, { code: "rival" });
  const authenticator = firstOf([
    createApiKeyAuthenticator([{ hash: hashApiKey(operatorKey), identity: systemIdentity }]),
    createKeyAuthenticator((keyHash) => identifyMerchant((action, input) => app.call(action, input), keyHash)),
  ]);
  const log = pino({ level: "silent" });
  const gateway = createGateway({ app, authenticator, title: "test", version: "0", port: 0, log });
  ({ url } = await gateway.listen());
  close = () => gateway.close({ deadlineMs: 5_000 });
});
afterAll(async () => {
  await close?.();
  await shop?.close();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Asks as whoever has the key, `KEY` or `KEY once IDEMPOTENCY-KEY`: by GET, or by POST where there is a body. */
async function ask(who: string, path: string, body?: unknown): Promise<Answer> {
  const [key, once] = who.split(" once ");
  const response = await fetch(`${url}${path}`, {
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      ...(once !== undefined && { "idempotency-key": once }),
    },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const codeOf = async (answer: Promise<Answer>) => {
  const { status, body } = await answer;
  return [status, body.code];
};

async function createKey(merchant: string, given: object = {}): Promise<{ readonly id: string; readonly key: string }> {
  const { status, body } = await ask(operatorKey, `/v1/merchants/${merchant}/keys`, { name: "shop", ...given });
  expect(status).toBe(201);
  return body as { id: string; key: string };
}
const statusOf = async (key: string) => (await ask(key, "/v1/payments?merchant=acme")).status;

describe("a merchant's key", () => {
  test("is shown once, listed masked, and kept as its hash alone", async () => {
    const { id, key } = await createKey("acme", { name: "till" });
    expect(key).toMatch(/^npk_[A-Za-z0-9_-]{43}$/);
    const { body } = await ask(operatorKey, "/v1/merchants/acme/keys");
    const listed = (body.keys as { id: string }[]).find((one) => one.id === id);
    const hint = `${key.slice(0, 8)}…${key.slice(-4)}`;
    expect(listed).toMatchObject({ name: "till", hint, createdBy: "system", revokedAt: null });
    expect(JSON.stringify(body)).not.toContain(key);
    const rows = await shop.run(
      "SELECT k::text AS row FROM merchants.api_key k UNION ALL SELECT c::text FROM banyan.command c",
    );
    const kept = rows.map(({ row }) => row).join();
    expect(kept).toContain(hashApiKey(key));
    expect(kept).not.toContain(key);
    expect(await shop.run(`SELECT actor FROM banyan.command WHERE action = 'merchants.createKey' LIMIT 1`)).toEqual([
      { actor: "system" },
    ]);
  });

  test("works from when it is made until it is revoked, and not a request longer", async () => {
    const { id, key } = await createKey("acme");
    expect(await statusOf(key)).toBe(200);
    const revoke = () => ask(operatorKey, `/v1/merchants/acme/keys/${id}/revoke`, {});
    const first = await revoke();
    expect(await statusOf(key)).toBe(401);
    expect(await revoke()).toEqual(first);
    const rotate = ask(operatorKey, `/v1/merchants/acme/keys/${id}/rotate`, {});
    expect(await codeOf(rotate)).toEqual([409, "merchants.keyRevoked"]);
  });

  test("is rotated: the one before is taken for as long as was said, and both end with it", async () => {
    const { id, key } = await createKey("acme");
    const rotate = async (body: object) => (await ask(operatorKey, `/v1/merchants/acme/keys/${id}/rotate`, body)).body;
    const second = (await rotate({})) as { key: string; oldUntil: string };
    expect(Date.parse(second.oldUntil) - Date.now()).toBeGreaterThan(86_000_000);
    expect([await statusOf(key), await statusOf(second.key)]).toEqual([200, 200]);
    const third = (await rotate({ overlapMs: 0 })) as { key: string };
    expect([await statusOf(key), await statusOf(second.key), await statusOf(third.key)]).toEqual([401, 401, 200]);
    const fourth = (await rotate({})) as { key: string };
    await ask(operatorKey, `/v1/merchants/acme/keys/${id}/revoke`, {});
    expect([await statusOf(third.key), await statusOf(fourth.key)]).toEqual([401, 401]);
  });

  test("does what it was made for and nothing else; nobody makes keys with one", async () => {
    const { id, key } = await createKey("acme", { permissions: ["payments:read"] });
    expect(await statusOf(key)).toBe(200);
    const refused = [
      ask(key, "/v1/payments", order("acme")),
      ask(key, `/v1/payments/${nobodysId}/capture`, {}),
      ask(key, "/v1/merchants/acme"),
      ask(key, "/v1/merchants/acme/keys"),
      ask(key, "/v1/merchants/acme/keys", { name: "more" }),
      ask(key, `/v1/merchants/acme/keys/${id}/rotate`, {}),
      ask(key, "/v1/accounts/merchants:acme:settlement"),
      ask(key, "/v1/workflows/x/cancel", {}),
    ];
    for (const answer of refused) expect(await codeOf(answer)).toEqual([403, "kernel.forbidden"]);
    expect((await ask(operatorKey, "/v1/merchants/acme/keys", { name: "x", permissions: ["*"] })).status).toBe(400);
    expect(await codeOf(ask(operatorKey, "/v1/merchants/nobody/keys", { name: "x" }))).toEqual([
      404,
      "merchants.merchantNotFound",
    ]);
    const elsewhere = ask(operatorKey, `/v1/merchants/rival/keys/${id}/revoke`, {});
    expect(await codeOf(elsewhere)).toEqual([404, "merchants.keyNotFound"]);
  });

  test("there are twenty at once of a merchant", async () => {
    const feePlan = { shares: [{ account: "fees:many", weight: 1 }], basisPoints: 100 };
    await shop.app.call(merchants.onboard, { code: "many", name: "Many", currency: "EUR", feePlan });
    const made = await Promise.allSettled(
      Array.from({ length: 22 }, () => shop.app.call(merchants.createKey, { code: "many", name: "k" })),
    );
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
  });
});

function order(merchant: string, merchantTxnId: string = crypto.randomUUID()) {
  return {
    merchant,
    merchantTxnId,
    orderId: "1",
    amountMinor: 10_00,
    currency: "EUR",
    method: "WALLET",
    capture: "manual",
  };
}

describe("of two merchants", () => {
  let own: string;
  let rival: string;
  beforeAll(async () => {
    [own, rival] = [(await createKey("acme")).key, (await createKey("rival")).key];
  });
  const pay = async (key: string, merchant: string, instrument: string) => {
    const { body } = await ask(key, "/v1/payments", order(merchant));
    const id = body.id as string;
    expect((await ask(key, `/v1/payments/${id}/authorize`, { instrument })).status).toBe(200);
    return id;
  };

  test("each collects with its key, and its payments are not there for the other", async () => {
    const wallet = await shop.wallet("walt", 100_00);
    const id = await pay(own, "acme", wallet);
    expect((await ask(own, `/v1/payments/${id}/capture`, { amountMinor: 6_00 })).body).toMatchObject({
      capturedMinor: 6_00,
    });
    const opened = await ask(operatorKey, `/v1/payments/${id}/disputes`, { amountMinor: 1_00, reason: "broken" });
    const dispute = opened.body.id;
    const evidence = { kind: "receipt", text: "it was whole" };
    const before = (await ask(own, `/v1/payments/${id}`)).body;

    const guesses: [path: (id: string) => string, body?: object][] = [
      [(id) => `/v1/payments/${id}`],
      [(id) => `/v1/payments/${id}/movements`],
      [(id) => `/v1/payments/${id}/authorize`, { instrument: wallet }],
      [(id) => `/v1/payments/${id}/capture`, {}],
      [(id) => `/v1/payments/${id}/cancel`, {}],
      [(id) => `/v1/payments/${id}/refunds`, {}],
    ];
    for (const [path, body] of guesses) {
      const guessed = await ask(rival, path(id), body);
      expect([path(""), guessed.status, guessed.body.code]).toEqual([path(""), 404, "payments.paymentNotFound"]);
      // As of one that nobody has: nothing tells the two apart.
      const unknown = await ask(rival, path(nobodysId), body);
      const { traceId: _, ...told } = JSON.parse(JSON.stringify(guessed.body).replaceAll(id, nobodysId));
      expect(unknown.body).toMatchObject(told);
    }
    expect(await codeOf(ask(rival, `/v1/disputes/${dispute}`))).toEqual([404, "payments.disputeNotFound"]);
    expect(await codeOf(ask(rival, `/v1/disputes/${dispute}/evidence`, evidence))).toEqual([
      404,
      "payments.disputeNotFound",
    ]);
    expect(await codeOf(ask(rival, "/v1/payments", order("acme")))).toEqual([409, "payments.merchantNotApproved"]);
    expect((await ask(rival, "/v1/payments?merchant=acme")).body).toEqual({ payments: [], next: null });
    expect((await ask(rival, "/v1/disputes?merchant=acme")).body).toEqual({ disputes: [], next: null });
    expect((await ask(rival, "/v1/disputes")).body).toEqual({ disputes: [], next: null });
    await shop.app.call(payments.setLimit, { merchant: "acme", name: "day", dayMinorMax: 1_000_00 });
    expect((await ask(rival, "/v1/payments/limits/acme")).body).toEqual({ limits: [], next: null });
    expect((await ask(own, `/v1/payments/${id}`)).body).toEqual(before);

    expect((await ask(own, "/v1/payments?merchant=acme")).body.payments).toContainEqual(before);
    expect((await ask(own, "/v1/disputes")).body.disputes).toMatchObject([{ id: dispute }]);
    expect((await ask(own, "/v1/payments/limits/acme")).body.limits).toMatchObject([{ name: "day" }]);
    expect(await codeOf(ask(own, "/v1/payments/limits/acme/day/remove", {}))).toEqual([403, "kernel.forbidden"]);
    expect((await ask(own, `/v1/disputes/${dispute}/evidence`, evidence)).status).toBe(200);
    expect((await ask(own, `/v1/disputes/${dispute}`)).body).toMatchObject({ evidence: [evidence] });
    expect((await ask(own, `/v1/payments/${id}/refunds`, { amountMinor: 2_00 })).status).toBe(200);
    expect((await ask(own, `/v1/payments/${id}/cancel`, {})).body).toMatchObject({
      status: "succeeded",
      refundedMinor: 2_00,
    });
    const [audited] = await shop.run(
      `SELECT actor FROM banyan.workflow WHERE type = 'payments.capture' AND input LIKE '%${id}%'`,
    );
    expect(audited?.actor).toMatch(/^merchants\/acme\/keys\/[0-9a-f-]{36}$/);
  });

  test("a key stands for its merchant where a request names none; who acts for all has to name one", async () => {
    const { merchant: _, ...unnamed } = order("acme");
    expect(await ask(rival, "/v1/payments", unnamed)).toMatchObject({ status: 201, body: { merchant: "rival" } });
    const { body } = await ask(rival, "/v1/payments");
    expect(new Set((body.payments as { merchant: string }[]).map(({ merchant }) => merchant))).toEqual(
      new Set(["rival"]),
    );
    expect(await codeOf(ask(operatorKey, "/v1/payments", unnamed))).toEqual([400, "payments.merchantMissing"]);
    expect(await codeOf(ask(operatorKey, "/v1/payments"))).toEqual([400, "payments.merchantMissing"]);
  });

  test("an ATM payment that waits is cancelled by its own merchant alone", async () => {
    const { body } = await ask(own, "/v1/payments", { ...order("acme"), method: "ATM", capture: "auto" });
    await ask(own, `/v1/payments/${body.id}/authorize`, {});
    expect(await codeOf(ask(rival, `/v1/payments/${body.id}/cancel`, {}))).toEqual([404, "payments.paymentNotFound"]);
    expect((await ask(own, `/v1/payments/${body.id}/cancel`, {})).body).toMatchObject({ status: "canceled" });
  });

  test("neither is told what the other was answered under an Idempotency-Key, nor in its way with one", async () => {
    const wanted = order("acme", "acme-1");
    const mine = await ask(`${own} once order-1`, "/v1/payments", wanted);
    expect(await codeOf(ask(`${rival} once order-1`, "/v1/payments", wanted))).toEqual([
      409,
      "payments.merchantNotApproved",
    ]);
    const theirs = await ask(`${rival} once order-2`, "/v1/payments", order("rival", "rival-1"));
    const more = await ask(`${own} once order-2`, "/v1/payments", order("acme", "acme-2"));
    expect([mine.status, theirs.status, more.status]).toEqual([201, 201, 201]);
    // Under another key of the same merchant it is the same request.
    const { key } = await createKey("acme");
    expect((await ask(`${key} once order-1`, "/v1/payments", wanted)).body).toEqual(mine.body);
  });

  test("neither follows the other's runs", async () => {
    const id = await pay(own, "acme", await shop.wallet("wim", 10_00));
    await ask(own, `/v1/payments/${id}/capture`, {});
    const [run] = await shop.run(
      `SELECT id::text FROM banyan.workflow WHERE type = 'payments.capture' AND input LIKE '%${id}%'`,
    );
    const path = `/v1/workflows/${run?.id}`;
    expect((await ask(own, path)).body).toMatchObject({ state: "done" });
    expect(await codeOf(ask(rival, path))).toEqual([404, "workflows.unknownRun"]);
  });

  test("a merchant that is suspended still refunds", async () => {
    const id = await pay(rival, "rival", await shop.wallet("will", 10_00));
    await ask(rival, `/v1/payments/${id}/capture`, {});
    await shop.app.call(merchants.suspend, { code: "rival" });
    expect(await codeOf(ask(rival, "/v1/payments", order("rival")))).toEqual([409, "payments.merchantNotApproved"]);
    expect((await ask(rival, `/v1/payments/${id}/refunds`, { amountMinor: 1_00 })).body).toMatchObject({
      refundedMinor: 1_00,
    });
    expect((await shop.app.call(payments.list, { merchant: "rival" })).payments).not.toEqual([]);
  });

  test("a merchant's payments come page by page, newest first", async () => {
    for (let count = 0; count < 3; count++) await pay(own, "acme", await shop.wallet(`page-${count}`, 10_00));
    const { payments: all } = await shop.app.call(payments.list, { merchant: "acme" });
    expect(all.length).toBeGreaterThan(2);
    const found: string[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const page = (await ask(own, `/v1/payments?limit=2${next === "" ? "" : `&after=${next}`}`)).body;
      found.push(...(page.payments as { id: string }[]).map(({ id }) => id));
      next = page.next as string | null;
    }
    expect(found).toEqual(
      all
        .map(({ id }) => id)
        .toSorted()
        .reverse(),
    );
  });
});
