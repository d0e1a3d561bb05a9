import { createHmac, randomUUID } from "node:crypto";
import type { LookupAddress } from "node:dns";
import { createApiKeyAuthenticator, createGateway } from "@banyan/gateway";
import { command, defineContract, event, implement } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { connect, createPostgresStore, statement } from "@banyan/sql-postgres";
import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { openReceiver, type Receiver } from "../../../../tools/test-receiver.ts";
import { webhooks } from "../src/contract.ts";
import { createWebhooksService } from "../src/index.ts";

const Told = z.looseObject({ paymentId: z.uuid() });
/** Tells of several payments in one transaction. */
const teller = defineContract("payments", {
  commands: { tell: command({ input: z.array(Told), output: z.object({}), access: "public" }) },
  events: { expired: event({ data: Told, key: ({ paymentId }) => paymentId }) },
});

let database: TestDatabase;
let receiver: Receiver;
let app: App;
/** What names resolve to; a name that is not here is looked for nowhere. */
const addresses = new Map<string, LookupAddress[]>();
const local = [{ address: "127.0.0.1", family: 4 }];
const patience = { timeout: 20_000, interval: 30 };

beforeAll(async () => {
  [database, receiver] = await Promise.all([createTestDatabase(inject("postgresUrl")), openReceiver()]);
  addresses.set("hooks.test", local).set("127.0.0.1", local);
  const service = createWebhooksService({
    allowedHosts: ["hooks.test", receiver.host],
    resolve: async (host) => addresses.get(host) ?? [],
    providers: { stripe: { scheme: "stripe", secrets: ["in"] } },
  });
  const telling = implement(teller, {
    commands: {
      tell: (ctx, all) => {
        for (const one of all) ctx.emit(teller.expired, one);
        return {};
      },
    },
  });
  app = createApp({
    services: [service, telling],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
  });
  await app.start();
});
afterAll(async () => {
  await app?.stop();
  await receiver?.close();
  await database?.drop();
});
beforeEach(() => {
  receiver.answer = { status: 204 };
});

const open = (url = `http://hooks.test:${receiver.port}/in`) => app.call(webhooks.createEndpoint, { url });
/** What arrived of one message, whatever is tried again for other tests meanwhile. */
const arrivedOf = ({ message }: { readonly message: string }) =>
  receiver.received.filter(({ headers }) => headers["webhook-id"] === `msg_${message}`);
const ping = (id: string) => app.call(webhooks.ping, { id });
const reportOf = (id: string) => app.call(webhooks.delivery, { id });
const settled = (id: string, expected: object) =>
  expect.poll(async () => await reportOf(id), patience).toMatchObject(expected);

describe("webhooks out", () => {
  test("are signed as the official library wants it, and listed", async () => {
    const { id, secret } = await open();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const delivery = await ping(id);
    await settled(delivery.id, { status: "delivered", attempts: [{ number: 1, status: 204, error: null }] });
    const [{ headers, body, path } = never()] = arrivedOf(delivery);
    expect(path).toBe("/in");
    expect(headers).toMatchObject({ "webhook-id": `msg_${delivery.message}`, "content-type": "application/json" });
    const opened = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(opened).toEqual({ type: "webhook.ping", timestamp: expect.any(String), data: { endpoint: id } });

    const second = await ping(id);
    const page = await app.call(webhooks.deliveries, { endpoint: id, limit: 1 });
    expect(page.deliveries).toMatchObject([{ id: delivery.id }]);
    const rest = await app.call(webhooks.deliveries, { endpoint: id, limit: 1, after: page.next ?? 0 });
    expect(rest).toMatchObject({ deliveries: [{ id: second.id }], next: null });
    expect(JSON.stringify(await app.call(webhooks.endpoints, { limit: 1_000 }))).not.toContain(secret);
  });

  test("are signed with both secrets while one is changed", async () => {
    const { id, secret: old } = await open();
    const { secret } = await app.call(webhooks.rotateSecret, { id });
    const delivery = await ping(id);
    await settled(delivery.id, { status: "delivered" });
    const [{ headers, body } = never()] = arrivedOf(delivery);
    for (const known of [old, secret]) new Webhook(known).verify(body, headers as Record<string, string>);
  });

  test("are tried again after a failure, under the same id and a new timestamp", async () => {
    const { id, secret } = await open();
    receiver.answer = { status: 500 };
    const delivery = await ping(id);
    await settled(delivery.id, { status: "pending", attempts: [{ status: 500 }] });
    const { nextAt, attempts } = await reportOf(delivery.id);
    expect(Date.parse(nextAt ?? "") - Date.parse(attempts[0]?.at ?? "")).toBeGreaterThanOrEqual(5_000);
    receiver.answer = { status: 200 };
    await settled(delivery.id, { status: "delivered", attemptCount: 2, attempts: [{ status: 500 }, { status: 200 }] });
    const [first = never(), second = never()] = arrivedOf(delivery).map(({ headers }) => headers);
    expect(second["webhook-id"]).toBe(first["webhook-id"]);
    expect(Number(second["webhook-timestamp"])).toBeGreaterThan(Number(first["webhook-timestamp"]));
    new Webhook(secret).verify(arrivedOf(delivery)[1]?.body ?? "", second as Record<string, string>);
  });

  test("are sent again on demand, whatever became of them", async () => {
    const { id } = await open();
    receiver.answer = { status: 503 };
    const delivery = await ping(id);
    await settled(delivery.id, { status: "pending", attemptCount: 1 });
    receiver.answer = { status: 202 };
    await app.call(webhooks.redeliver, { id: delivery.id });
    await settled(delivery.id, { status: "delivered", attemptCount: 2 });
    await app.call(webhooks.redeliver, { id: delivery.id });
    await settled(delivery.id, { status: "delivered", attemptCount: 3 });
    expect(arrivedOf(delivery)).toHaveLength(3);
  });

  test("of events that come together go to who hears of each: of its merchant, or of all of them", async () => {
    const endpointOf = async (given: object) => {
      const { id } = await app.call(webhooks.createEndpoint, {
        url: `http://hooks.test:${receiver.port}/in`,
        ...given,
      });
      return id;
    };
    const types = ["payment.expired"];
    const [all, acmes, deaf] = await Promise.all([
      endpointOf({ types }),
      endpointOf({ types, merchant: "acme" }),
      endpointOf({ types: ["payment.captured"], merchant: "acme" }),
    ]);
    const told = ["acme", "globex", "acme"].map((merchant, place) => ({
      paymentId: randomUUID(),
      merchant,
      merchantTxnId: `together-${place}`,
      orderId: "o-1",
      method: "QR" as const,
      currency: "EUR",
      status: "expired" as const,
      resultCode: 1,
    }));
    await app.call(teller.tell, told);
    await app.settled();
    const heardBy = async (endpoint: string) => {
      const { deliveries } = await app.call(webhooks.deliveries, { endpoint, status: "delivered", limit: 100 });
      return deliveries.map((one) => JSON.parse(arrivedOf(one)[0]?.body ?? "{}").data.merchantTxnId);
    };
    expect(await heardBy(all)).toEqual(["together-0", "together-1", "together-2"]);
    expect(await heardBy(acmes)).toEqual(["together-0", "together-2"]);
    expect(await heardBy(deaf)).toEqual([]);
  });

  test("follow no redirect", async () => {
    const { id } = await open();
    receiver.answer = { status: 302, headers: { location: `http://hooks.test:${receiver.port}/elsewhere` } };
    const delivery = await ping(id);
    await settled(delivery.id, { status: "pending", attempts: [{ status: 302 }] });
    expect(receiver.received.map(({ path }) => path)).not.toContain("/elsewhere");
  });

  test("end with 410, which disables the endpoint until a person enables it", async () => {
    const { id } = await open();
    receiver.answer = { status: 410 };
    const delivery = await ping(id);
    await settled(delivery.id, { status: "failed", attemptCount: 1 });
    await expect(ping(id)).rejects.toMatchObject({ code: "webhooks.endpointDisabled" });
    await expect(app.call(webhooks.redeliver, { id: delivery.id })).rejects.toMatchObject({
      code: "webhooks.endpointDisabled",
    });
    receiver.answer = { status: 200 };
    expect(await app.call(webhooks.enableEndpoint, { id })).toMatchObject({ status: "enabled", disabledReason: null });
    await app.call(webhooks.redeliver, { id: delivery.id });
    await settled(delivery.id, { status: "delivered", attemptCount: 2 });
  });

  test("end for an endpoint that fails for three days without one success", async () => {
    const { id } = await open();
    await run(`UPDATE webhooks.endpoint SET failing_since = now() - interval '73 hours' WHERE id = '${id}'`);
    receiver.answer = { status: 500 };
    await settled((await ping(id)).id, { attemptCount: 1 });
    const { endpoints } = await app.call(webhooks.endpoints, { limit: 1_000 });
    expect(endpoints.find((endpoint) => endpoint.id === id)).toMatchObject({
      status: "disabled",
      disabledReason: "no delivery succeeded for three days",
    });
  });
});

describe("a URL into a private network", () => {
  test.each(["http://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "https://10.0.0.1/"])(
    "is refused when it is registered: %s",
    async (url) => {
      addresses.set(new URL(url).hostname.replace(/[[\]]/g, ""), [
        { address: new URL(url).hostname.replace(/[[\]]/g, ""), family: url.includes("[") ? 6 : 4 },
      ]);
      await expect(open(url)).rejects.toMatchObject({ code: "webhooks.urlRefused", kind: "invalid" });
    },
  );

  test("is not called when its name points there later, though it was public when it was registered", async () => {
    addresses.set("rebinding.test", [{ address: "93.184.215.14", family: 4 }]);
    const { id } = await open(`https://rebinding.test:${receiver.port}/`);
    addresses.set("rebinding.test", local);
    const delivery = await ping(id);
    await settled(delivery.id, {
      status: "pending",
      attempts: [{ status: null, error: "its host is not on the public internet" }],
    });
    expect(arrivedOf(delivery)).toEqual([]);
  });

  test("is not reached by asking the name twice: the address that was checked is the one that is called", async () => {
    // Known to the test alone: whoever asked the system for it would find nobody.
    addresses.set("checked.test", local);
    const service = createWebhooksService({
      allowedHosts: ["checked.test"],
      resolve: async (host) => {
        const found = addresses.get(host) ?? [];
        addresses.set(host, [{ address: "192.0.2.1", family: 4 }]);
        return found;
      },
    });
    const own = await createTestDatabase(inject("postgresUrl"));
    const other = createApp({ services: [service], store: createPostgresStore({ url: own.url }), deadlineMs: 20_000 });
    await other.start();
    try {
      const { id } = await other.call(webhooks.createEndpoint, { url: `http://checked.test:${receiver.port}/` });
      addresses.set("checked.test", local);
      const delivery = await other.call(webhooks.ping, { id });
      await expect
        .poll(async () => (await other.call(webhooks.delivery, { id: delivery.id })).status, patience)
        .toBe("delivered");
    } finally {
      await other.stop();
      await own.drop();
    }
  });
});

describe("webhooks in", () => {
  const signed = (payload: string) => {
    const at = Math.floor(Date.now() / 1_000);
    const mac = createHmac("sha256", "in").update(`${at}.${payload}`).digest("hex");
    return { provider: "stripe", payload, stripeSignature: `t=${at},v1=${mac}` };
  };
  const event = (id: string, created: number) =>
    JSON.stringify({ id, type: "charge.captured", created, data: { object: { id: "ch_9" } } });
  const eventsOf = async (subject: string) =>
    (await run(`SELECT data FROM banyan.event WHERE type = 'webhooks.received'`))
      .map(({ data }) => (typeof data === "string" ? JSON.parse(data) : data) as { subject: string; late: boolean })
      .filter((data) => data.subject === subject);

  test("have one effect each, however often and in whatever order they come; what comes late says so", async () => {
    const [older, newer] = [event("evt_a", 1_000), event("evt_b", 2_000)];
    const order = [newer, older, older, newer, older];
    const answers = await Promise.all(order.map((payload) => app.call(webhooks.receive, signed(payload))));
    expect(answers.filter(({ duplicate }) => !duplicate).map(({ eventId }) => eventId)).toHaveLength(2);
    expect(await app.call(webhooks.receive, signed(newer))).toEqual({
      resultCode: 0,
      eventId: "evt_b",
      duplicate: true,
    });
    expect(await eventsOf("ch_9")).toHaveLength(2);
    await app.call(webhooks.receive, signed(event("evt_c", 1_500)));
    expect((await eventsOf("ch_9")).filter(({ late }) => late)).toContainEqual(
      expect.objectContaining({ eventId: "evt_c", late: true }),
    );
  });

  test("with a bad signature are refused with result code 98, and leave nothing", async () => {
    const given = { ...signed(event("evt_bad", 1)), payload: event("evt_worse", 1) };
    await expect(app.call(webhooks.receive, given)).rejects.toMatchObject({
      code: "webhooks.badSignature",
      kind: "unauthenticated",
      details: { resultCode: 98, reason: "wrong" },
    });
    expect(await run(`SELECT 1 FROM webhooks.notice WHERE event_id LIKE 'evt_%d%' OR event_id = 'evt_worse'`)).toEqual(
      [],
    );
  });

  test("are taken by HTTP as they were written, and nothing else is", async () => {
    const authenticator = createApiKeyAuthenticator([]);
    const log = pino({ level: "silent" });
    const gateway = createGateway({ app, authenticator, title: "test", version: "0", port: 0, log });
    const { url } = await gateway.listen();
    try {
      const payload = JSON.stringify(JSON.parse(event("evt_http", 7)), null, 2);
      const { stripeSignature } = signed(payload);
      const post = async (
        body: string,
        signature: Record<string, string> = { "stripe-signature": stripeSignature },
      ) => {
        const headers = { "content-type": "application/json", ...signature };
        const answer = await fetch(`${url}/v1/webhooks/inbound/stripe`, { method: "POST", headers, body });
        return { status: answer.status, body: await answer.json() };
      };
      const refused = { status: 401, body: { details: { resultCode: 98 } } };
      expect(await post(JSON.stringify(JSON.parse(payload)))).toMatchObject(refused);
      expect(await post(payload, {})).toMatchObject(refused);
      expect(await post(payload)).toEqual({
        status: 200,
        body: { resultCode: 0, eventId: "evt_http", duplicate: false },
      });
      expect(await post(payload)).toMatchObject({ status: 200, body: { duplicate: true } });
    } finally {
      await gateway.close();
    }
  });

  test("of a provider that nobody configured are not found", async () => {
    await expect(app.call(webhooks.receive, { provider: "nobody", payload: "{}" })).rejects.toMatchObject({
      code: "webhooks.unknownProvider",
      kind: "not_found",
    });
  });
});

async function run(text: string): Promise<Record<string, unknown>[]> {
  const connection = await connect({ url: database.url });
  try {
    const [result] = await connection.run([statement(text)]);
    return result?.rows ?? [];
  } finally {
    await connection.close();
  }
}

function never(): never {
  throw new Error("nothing was received");
}
