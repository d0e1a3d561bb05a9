import { batched, command, defineContract, implement } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresStore } from "../src/index.ts";

const groups = defineContract("groups", {
  commands: {
    join: command({ input: z.strictObject({}), output: z.object({ size: z.int() }), access: "groups:write" }),
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
  },
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
