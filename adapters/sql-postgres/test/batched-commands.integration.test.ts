import { batched, command, defineContract, implement, query } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresStore } from "../src/index.ts";

const groups = defineContract("groups", {
  commands: {
    join: command({ input: z.strictObject({}), output: z.object({ size: z.int() }), access: "groups:write" }),
    pass: command({
      input: z.strictObject({}),
      output: z.object({ tenant: z.string() }),
      access: "groups:write",
      record: "keyed",
    }),
  },
  queries: {
    tenant: query({ input: z.strictObject({}), output: z.object({ tenant: z.string() }), access: "groups:read" }),
  },
});
let sizes: number[] = [];
const groupsService = implement(groups, {
  commands: {
    join: batched<typeof groups.join>(async (ctx, items) => {
      sizes.push(items.length);
      await ctx.sql`SELECT pg_sleep(0.005)`;
      return items.map(() => ({ size: items.length }));
    }),
    pass: batched<typeof groups.pass>(async (ctx, items) => {
      await ctx.sql`SELECT 1`;
      return Promise.all(items.map(({ call }) => call(groups.tenant, {})));
    }),
  },
  queries: { tenant: ({ identity }) => ({ tenant: identity.tenant }) },
});

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let app: App;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({ services: [groupsService], store: createPostgresStore({ url: database.url }) });
  await app.start();
});
beforeEach(() => {
  sizes = [];
});
afterAll(async () => {
  await app.stop();
  await database.drop();
});

const callersCount = 8;

/** Each calls again `turns` of the event loop after it was answered. */
async function callAgainAndAgain(turns: (caller: number) => number): Promise<number> {
  const callers = Array.from({ length: callersCount }, async (_, caller) => {
    for (let call = 0; call < 25; call++) {
      for (let turn = 0; turn < turns(caller); turn++) await new Promise(setImmediate);
      await app.call(groups.join, {});
    }
  });
  await Promise.all(callers);
  return (callersCount * 25) / sizes.length;
}

test("callers that are answered together share the next group too, though they do not come at once", async () => {
  // Where a group takes whoever is there, every other one is of the first caller alone: 4 on average.
  expect(await callAgainAndAgain((caller) => caller)).toBeGreaterThan(5.5);
});

test("a command of a group asks queries as the one who sent it", async () => {
  const tenants = ["acme", "globex"];
  const identity = (tenant: string) => ({ subject: "test", tenant, permissions: new Set(["*"]) });
  const answers = await Promise.all(tenants.map((tenant) => app.call(groups.pass, {}, { identity: identity(tenant) })));
  expect(answers.map(({ tenant }) => tenant)).toEqual(tenants);
});

test("of a command that is recorded with a key only, nothing is kept without one, and its answer with one", async () => {
  const recorded = async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      "SELECT count(*)::integer AS count FROM banyan.command WHERE action = 'groups.pass'",
    );
    await client.end();
    return rows[0].count as number;
  };
  const before = await recorded();
  await Promise.all([app.call(groups.pass, {}), app.call(groups.pass, {})]);
  expect(await recorded()).toBe(before);
  const notes = { replayed: false, cached: false };
  await app.call(groups.pass, {}, { idempotencyKey: "once" });
  await app.call(groups.pass, {}, { idempotencyKey: "once", notes });
  expect([(await recorded()) - before, notes.replayed]).toEqual([1, true]);
});
