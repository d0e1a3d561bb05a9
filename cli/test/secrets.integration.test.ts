import { once } from "node:events";
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type RunningServer, type TestProject } from "../../tools/test-project.ts";

/** Each stands for a secret, and says where it was brought in. */
const canary = (where: string) => `canary${where}Qm9nb3RhLTE5`;
const key = canary("Key");

let project: TestProject;
let server: RunningServer;
/** What the server wrote, and what `banyan tail` was told of it. */
let said = "";

beforeAll(async () => {
  project = createTestProject(new URL("../../banyan.config.ts", import.meta.url));
  server = await project.start({ BANYAN_API_KEY: key, BANYAN_API_KEYS: `mia=${canary("Mia")}` });
  const hear = (chunk: Buffer) => {
    said += chunk;
  };
  const tail = project.launch("tail", "*", "--json").child;
  for (const stream of [server.child.stdout, server.child.stderr, tail.stdout]) stream?.on("data", hear);
  await once(tail.stdout as NodeJS.ReadableStream, "data");
});
afterAll(() => project.remove());

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

async function send(path: string, { method = "POST", headers = {}, body }: Sent = {}) {
  const sent = request(`${server.ready.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
  });
  sent.end(typeof body === "string" ? body : body && JSON.stringify(body));
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

async function rowsOf<Row>(sql: string): Promise<Row[]> {
  const { stdout, stderr } = await project.run("sql", sql, "--json");
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout).rows;
}

/** Every row there is, as text, but for those that must have the secret to sign with. */
async function everyRow(): Promise<string> {
  const tables = await rowsOf<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname || tablename <> 'webhooksendpoint'`,
  );
  const each = tables.map(({ name }) => `SELECT '${name} ' || row::text AS text FROM ${name} AS row`);
  const rows = await rowsOf<{ text: string }>(each.join(" UNION ALL "));
  return rows.map(({ text }) => text).join("\n");
}

test("what is secret is in no log, no trace, no record, no event, no job and no refusal", async () => {
  // Nothing is sent there: nothing happens that it would hear of.
  const url = "https://8.8.8.8/hooks";
  const created = await send("/v1/webhooks/endpoints", { headers: { "idempotency-key": "once" }, body: { url } });
  expect(created.status).toBe(201);
  const { id, secret } = JSON.parse(created.text);
  const again = await send("/v1/webhooks/endpoints", { headers: { "idempotency-key": "once" }, body: { url } });
  expect([again.status, JSON.parse(again.text).code]).toEqual([409, "kernel.answeredOnce"]);
  const rotated = await send(`/v1/webhooks/endpoints/${id}/rotate-secret`, { body: {} });
  const newer = JSON.parse(rotated.text).secret;

  const shares = [{ account: "fees:acme", weight: 1 }];
  await send("/v1/merchants", {
    body: { code: "acme", name: "Acme", currency: "EUR", feePlan: { shares, basisPoints: 1 } },
  });
  const merchantsKey = JSON.parse((await send("/v1/merchants/acme/keys", { body: { name: "shop" } })).text)
    .key as string;
  const shown = await send("/v1/payments?merchant=acme", {
    method: "GET",
    headers: { authorization: `Bearer ${merchantsKey}` },
  });
  expect(shown.status).toBe(200);

  const refusals = [
    await send("/v1/accounts/a", { method: "GET", headers: { authorization: `Bearer ${canary("Wrong")}` } }),
    await send("/v1/accounts/a", { method: "GET", headers: { cookie: `session=${canary("Cookie")}` } }),
    await send(`/v1/accounts/a?token=${canary("Query")}`, { method: "GET" }),
    await send("/v1/webhooks/endpoints", { body: { url, password: canary("Field") } }),
    await send("/v1/webhooks/endpoints", { body: `{"url": "${canary("Json")}` }),
    await send("/v1/webhooks/inbound/stripe", {
      headers: { "stripe-signature": `t=1,v1=${canary("Signature")}` },
      body: { id: "evt_1" },
    }),
  ];
  for (const { status } of refusals) expect(status).toBeGreaterThanOrEqual(400);

  const rows = await everyRow();
  expect(rows).toContain("webhooks.createEndpoint");
  expect(said).toContain("webhooks.createEndpoint");
  const [raw, newerRaw] = [secret, newer].map((printed) => printed.replace(/^whsec_/, ""));
  const hex = [raw, newerRaw].map((text) => Buffer.from(text, "base64").toString("hex"));
  const places = { said, rows, refused: refusals.map(({ text }) => text).join("\n") };
  for (const [place, text] of Object.entries(places))
    for (const secret of [raw, newerRaw, ...hex, merchantsKey.slice(10, 40), "Qm9nb3RhLTE5"])
      expect(
        text.includes(secret),
        `${place}: ${text.slice(Math.max(0, text.indexOf(secret) - 300)).slice(0, 400)}`,
      ).toBe(false);
});
