import { command, defineContract, fault, implement } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { pino } from "pino";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createApiKeyAuthenticator, createGateway } from "../src/index.ts";
import { adminKey, bearer, keys } from "./serving.ts";

const till = defineContract("till", {
  faults: { empty: fault("conflict", z.object({ wanted: z.int() })) },
  commands: {
    take: command({
      input: z.strictObject({ amount: z.int() }),
      output: z.object({ id: z.string() }),
      faults: ["empty"],
      http: "POST /take",
      httpStatus: 201,
      access: "till:take",
    }),
  },
});
let runs = 0;
const tillService = implement(till, {
  commands: {
    take: async (ctx, { amount }) => {
      if (amount > 100) throw ctx.faults.empty({ wanted: amount });
      const [row] = await ctx.sql<{ one: number }>`SELECT 1 AS one`;
      // The look-up of the key travels with the first statement: a replay ends there.
      runs++;
      return { id: `${ctx.newId()}-${row?.one}` };
    },
  },
});

let url: string;
let take: (amount: number, key?: string) => Promise<Response>;
let close: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const app = createApp({ services: [tillService], store: createPostgresStore({ url: database.url }) });
  await app.start();
  const authenticator = createApiKeyAuthenticator(keys);
  const gateway = createGateway({
    app,
    authenticator,
    title: "Till",
    version: "1",
    port: 0,
    log: pino({ level: "silent" }),
  });
  ({ url } = await gateway.listen());
  take = (amount, key) => {
    const headers = {
      ...bearer(adminKey),
      "content-type": "application/json",
      ...(key !== undefined && { "idempotency-key": key }),
    };
    return fetch(`${url}/take`, { method: "POST", headers, body: JSON.stringify({ amount }) });
  };
  close = async () => {
    await gateway.close({ deadlineMs: 500 });
    await app.stop();
    await database.drop();
  };
});
afterAll(() => close());

const seen = async (answer: Response) =>
  [answer.status, answer.headers.get("idempotency-replayed"), await answer.text()] as const;

test("metrics tell how far deliveries are behind", async () => {
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toMatch(/^banyan_outbox_unsent 0$/m);
  expect(text).toMatch(/^banyan_outbox_oldest_seconds 0$/m);
  expect(text).toMatch(/^banyan_dead_letters 0$/m);
  expect(text).toMatch(/^banyan_retention_overdue 0$/m);
  expect(text).toMatch(/^banyan_retention_swept_seconds (NaN|[\d.]+)$/im);
});

test("a command with an Idempotency-Key runs once: its answer comes back as it was, and says that it did", async () => {
  const before = runs;
  const [status, replayed, body] = await seen(await take(5, "order-1"));
  expect([status, replayed]).toEqual([201, null]);
  expect(await seen(await take(5, "order-1"))).toEqual([201, "true", body]);
  expect(runs).toBe(before + 1);
  expect((await seen(await take(5)))[2]).not.toBe(body);
});

test("a refusal of the business is an answer too", async () => {
  const [first, again] = [await seen(await take(500, "order-2")), await seen(await take(500, "order-2"))];
  expect([first[0], first[1], again[0], again[1]]).toEqual([409, null, 409, "true"]);
  expect(JSON.parse(again[2])).toMatchObject({ code: "till.empty", details: { wanted: 500 } });
});

test("the same key for another request is a conflict, and nothing runs", async () => {
  await take(7, "order-3");
  const before = runs;
  const [status, , body] = await seen(await take(8, "order-3"));
  expect([status, JSON.parse(body)]).toEqual([409, expect.objectContaining({ code: "kernel.idempotencyConflict" })]);
  expect(runs).toBe(before);
});

test("a key is 1 to 255 visible ASCII characters; anything else is refused, not cut", async () => {
  for (const key of ["a".repeat(256), "a b", "é"]) {
    const [status, , body] = await seen(await take(1, key));
    expect([status, JSON.parse(body)]).toEqual([
      400,
      expect.objectContaining({ code: "gateway.malformedIdempotencyKey" }),
    ]);
  }
  expect((await take(1, "~".repeat(255))).status).toBe(201);
});
