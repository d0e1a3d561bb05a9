import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createGateway } from "@banyan/gateway";
import { command, defineContract, type Handler, implement, query } from "@banyan/kernel";
import { anonymousIdentity, createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../test-postgres.ts";

const root = dirname(dirname(import.meta.dirname));
const schemas = { input: z.strictObject({}), output: z.object({}), access: "public" };
const probe = defineContract("probe", {
  commands: { write: command({ ...schemas, http: "POST /write" }) },
  queries: { read: query({ ...schemas, http: "GET /read" }) },
});

/** Our source files on the way here, first to last, each once. */
function path(): string[] {
  Error.stackTraceLimit = 50;
  const frames = (new Error("where am I").stack ?? "").split("\n").reverse();
  const files = frames.flatMap((frame) => /((?:kernel|platform)\/[\w/-]+\.ts)/.exec(frame)?.[1] ?? []);
  return [...new Set(files)];
}

test("a request reaches its handler through the files that docs/LIFECYCLE.md names, and no other", async () => {
  const seen = new Map<string, string[]>();
  const look =
    (name: string): Handler<typeof probe.read> & Handler<typeof probe.write> =>
    () => {
      seen.set(name, path());
      return {};
    };
  const service = implement(probe, { commands: { write: look("write") }, queries: { read: look("read") } });
  const database = await createTestDatabase(inject("postgresUrl"));
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  await app.start();
  const gateway = createGateway({
    app,
    authenticator: { authenticate: () => anonymousIdentity },
    title: "probe",
    version: "1",
    port: 0,
  });
  const { url } = await gateway.listen();
  try {
    expect((await fetch(`${url}/read`)).status).toBe(200);
    const headers = { "content-type": "application/json" };
    expect((await fetch(`${url}/write`, { method: "POST", headers, body: "{}" })).status).toBe(200);
  } finally {
    await gateway.close();
    await app.stop();
    await database.drop();
  }
  const page = readFileSync(join(root, "docs/LIFECYCLE.md"), "utf8");
  const section = page.slice(page.indexOf("## Of a request")).split("\n## ")[0] ?? "";
  const named = [...section.matchAll(/^\d\. `([^`]+\.ts)`/gm)].map(([, file]) => file);
  // Hooks and the body's parser call what comes next, and so lie below on the stack; the page begins with the route.
  const fromRoute = (name: string) => seen.get(name)?.slice(seen.get(name)?.indexOf(named[0] ?? ""));
  expect(fromRoute("write")).toEqual(named);
  expect(fromRoute("read")).toEqual(named.slice(0, 3));
  expect(named.length).toBeLessThanOrEqual(4);
});
