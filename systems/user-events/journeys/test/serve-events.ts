import { createPostgresDocuments } from "@banyan/documents-postgres";
import {
  createApiKeyAuthenticator,
  createBasicAuthenticator,
  createGateway,
  firstOf,
  hashApiKey,
} from "@banyan/gateway";
import type { Service } from "@banyan/kernel";
import { type App, type Clock, createApp } from "@banyan/kernel/app";
import type { Documents } from "@banyan/kernel/documents";
import type { Kv } from "@banyan/kernel/kv";
import { createPostgresKv } from "@banyan/kv-postgres";
import { createPostgresStore } from "@banyan/sql-postgres";
import { eventsService } from "@banyan/user-events-events";
import { identifySource, intakeService } from "@banyan/user-events-intake";
import { sourcesService } from "@banyan/user-events-sources";
import { sources } from "@banyan/user-events-sources/contract";
import { Client } from "pg";
import { pino } from "pino";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";

const apiKey = "a-key-for-tests-0123456789-0123456789";

const authorization = { authorization: `Bearer ${apiKey}` };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** User Events behind a gateway, with one source, as clients find it. */
export interface Served {
  readonly app: App;
  readonly url: string;
  readonly writeKey: string;
  /** Of whoever runs it. */
  readonly authorization: { readonly authorization: string };
  /** As the source: its write key is the Basic user name. */
  send(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** As whoever runs it. */
  ask(path: string, body?: unknown): Promise<Answer>;
  /** Runs SQL past the services, as somebody with a database client would. */
  run(text: string): Promise<void>;
  /** Every row of every table as text, as somebody who stole the database would read it. */
  dumped(): Promise<string>;
  close(): Promise<void>;
}

interface Surroundings {
  readonly clock?: Clock;
  readonly services?: readonly Service[];
  /** Instead of those in the database. */
  readonly kv?: Kv;
  readonly documents?: Documents;
}

/** The three services in one process on a database of their own. */
export async function serveEvents(
  server: string,
  { clock, services = [], kv, documents }: Surroundings = {},
): Promise<Served> {
  const database = await createTestDatabase(server);
  const app = createApp({
    services: [sourcesService, intakeService, eventsService, ...services],
    store: createPostgresStore({ url: database.url }),
    documents: documents ?? createPostgresDocuments({ url: database.url, inStore: true }),
    kv: kv ?? createPostgresKv({ url: database.url }),
    deadlineMs: 20_000,
    ...(clock !== undefined && { clock }),
  });
  await app.start();
  const identity = { subject: "test", tenant: "default", permissions: new Set(["*"]) };
  const gateway = createGateway({
    app,
    authenticator: firstOf([
      createApiKeyAuthenticator([{ hash: hashApiKey(apiKey), identity }]),
      createBasicAuthenticator(({ userName }) => identifySource((action, input) => app.call(action, input), userName)),
    ]),
    title: "test",
    version: "0",
    port: 0,
    corsOrigins: ["*"],
    log: pino({ level: "silent" }),
  });
  const { url } = await gateway.listen();
  const { writeKey } = await app.call(sources.create, { id: "shop" });
  const request = async (path: string, { headers, body }: { headers: Record<string, string>; body?: unknown }) => {
    const isBytes = typeof body === "string" || body instanceof Uint8Array;
    const response = await fetch(`${url}${path}`, {
      ...(body !== undefined && { method: "POST", body: (isBytes ? body : JSON.stringify(body)) as string }),
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
  };
  return {
    app,
    url,
    writeKey,
    authorization,
    send: (path, body, headers = {}) =>
      request(path, { body, headers: { authorization: `Basic ${btoa(`${writeKey}:`)}`, ...headers } }),
    ask: (path, body) => request(path, { body, headers: authorization }),
    run: async (text) => {
      await rowsOf(database.url, text);
    },
    dumped: async () => {
      const tables = await rowsOf(
        database.url,
        "SELECT format('SELECT * FROM %I.%I', schemaname, tablename) AS text FROM pg_tables WHERE schemaname !~ '^(pg_|information)'",
      );
      const rows = await Promise.all(tables.map(({ text }) => rowsOf(database.url, String(text))));
      return JSON.stringify(rows, (_, value) =>
        value?.type === "Buffer" ? Buffer.from(value.data).toString() : value,
      );
    },
    close: async () => {
      await gateway.close();
      await app.stop();
      await database.drop();
    },
  };
}

async function rowsOf(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
