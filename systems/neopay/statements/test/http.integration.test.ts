import { createApiKeyAuthenticator, createGateway, type Gateway, hashApiKey } from "@banyan/gateway";
import { type App, createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { pino } from "pino";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { statementsService } from "../src/index.ts";
import { camt053, entry, statement } from "./camt-document.ts";

const key = "a-key-for-tests-0123456789-0123456789";
let database: TestDatabase;
let app: App;
let gateway: Gateway;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [statementsService],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
  });
  await app.start();
  const identity = { subject: "test", tenant: "default", permissions: new Set(["*"]) };
  const authenticator = createApiKeyAuthenticator([{ hash: hashApiKey(key), identity }]);
  gateway = createGateway({ app, authenticator, title: "test", version: "0", port: 0, log: pino({ level: "silent" }) });
  ({ url } = await gateway.listen());
});
afterAll(async () => {
  await gateway?.close();
  await app?.stop();
  await database?.drop();
});

/** Posts a document as a client would, and answers status and body. */
async function post(body: string, contentType: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v1/statements`, {
    method: "POST",
    body,
    headers: {
      "content-type": contentType,
      authorization: `Bearer ${key}`,
      "idempotency-key": crypto.randomUUID(),
      ...headers,
    },
  });
  return {
    status: response.status,
    body: (await response.json()) as { statements: { id: string }[] } & Record<string, unknown>,
  };
}

async function get(path: string) {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: response.status, body: await response.json() };
}

test("two statements in one camt.053 body tie to the cent, or say by how much they do not", async () => {
  const document = camt053(statement({ id: "H1" }) + statement({ id: "H2", opening: "1.00", closing: "2.00" }), 8);
  const { status, body } = await post(document, "application/xml; charset=utf-8");
  expect(status).toBe(201);
  expect(body).toMatchObject({
    statements: [
      { statementId: "H1", ties: true, breakMinor: 0 },
      { statementId: "H2", ties: false, breakMinor: -785 },
    ],
    problems: [],
  });
  const id = body.statements[0]?.id;
  expect(await get(`/v1/statements/${id}`)).toMatchObject({
    status: 200,
    body: { statementId: "H1", balances: [{ kind: "OPBD" }, { kind: "CLBD" }] },
  });
  expect(await get(`/v1/statements/${id}/entries?limit=1`)).toMatchObject({
    status: 200,
    body: { entries: [{ amountMinor: 885 }], next: null },
  });
  expect(await get("/v1/statements?limit=1")).toMatchObject({
    status: 200,
    body: { statements: [{ statementId: "H1" }], next: expect.any(Number) },
  });
});

test("MT940, CSV and JSON bodies are read too", async () => {
  const mt940 =
    ":20:MT\r\n:25:DE1\r\n:28C:1\r\n:60F:C260131EUR1,00\r\n:61:260131C2,00NTRFX\r\n:62F:C260131EUR3,00\r\n-";
  expect(await post(mt940, "text/plain")).toMatchObject({
    status: 201,
    body: { statements: [{ format: "mt940", ties: true }] },
  });
  const csv = "account;currency;bookedOn;amount;balance\nCZ1;CZK;2026-01-31;1,00;1,00\n";
  expect(await post(csv, "text/csv")).toMatchObject({
    status: 201,
    body: { statements: [{ format: "csv", ties: true }] },
  });
  const json = JSON.stringify({
    content: camt053(statement({ id: "H3", entries: entry("8.84") })),
    format: "camt",
  });
  expect(await post(json, "application/json")).toMatchObject({
    status: 201,
    body: { statements: [{ breakMinor: 1 }] },
  });
});

test("a body of megabytes is read", async () => {
  const entries = entry("0.01").repeat(20_000);
  const document = camt053(statement({ id: "H4", opening: "0.00", closing: "200.00", entries }));
  expect(document.length).toBeGreaterThan(2_000_000);
  expect(await post(document, "text/xml")).toMatchObject({
    status: 201,
    body: { statements: [{ ties: true, entryCount: 20_000 }] },
  });
});

test.each([
  ["broken XML", camt053(statement()).slice(0, 300), 400, "statements.unreadable"],
  [
    "an entity",
    camt053(statement()).replace("?>", '?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    400,
    "statements.unreadable",
  ],
  ["nothing", "", 400, undefined],
])("%s is a problem that names what is wrong", async (_, document, ...[status, code]) => {
  const answer = await post(document, "application/xml");
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({
    title: expect.any(String),
    ...(code && { code, detail: expect.stringContaining("line") }),
  });
  expect(JSON.stringify(answer.body)).not.toContain("root:");
});

test("a body beyond the bound is refused before it is read", async () => {
  expect((await post("x".repeat(17 * 1024 * 1024), "text/plain")).status).toBe(413);
});
