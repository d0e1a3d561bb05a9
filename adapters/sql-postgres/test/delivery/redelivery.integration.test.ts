import { command, defineContract, event, implement, on } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../../src/index.ts";

const names = z.strictObject({ name: z.string() });
const greeter = defineContract("greeter", {
  commands: { greet: command({ input: names, output: z.object({}), access: "public" }) },
  events: { greeted: event({ data: names, key: ({ name }) => name }) },
});
let runs = 0;
const service = implement(greeter, {
  commands: {
    greet: (ctx, { name }) => {
      ctx.emit(greeter.greeted, { name });
      return {};
    },
  },
  subscriptions: {
    count: on(greeter.greeted, async (ctx, { name }) => {
      runs++;
      await ctx.sql`INSERT INTO public.heard VALUES (${name})`;
    }),
    note: on(greeter.greeted, () => {
      runs++;
    }),
  },
});

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
});
afterAll(() => database.drop());

test("an event whose mark was lost is delivered again, alone, and has no second effect", async () => {
  const connection = await connect({ url: database.url });
  await connection.run([statement("CREATE TABLE public.heard (name text)")]);
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  await app.start();
  await app.call(greeter.greet, { name: "ann" });
  await app.settled();
  expect(runs).toBe(2);
  await app.stop();

  await connection.run([
    statement(
      "INSERT INTO banyan.unsent SELECT 'greeter', seq, int8multirange(int8range(seq, seq + 1)), id, id FROM banyan.event",
    ),
  ]);
  const next = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  await next.start();
  await next.settled();
  expect(runs).toBe(4);
  expect(await next.deadLetters()).toEqual([]);
  await next.stop();
  const [heard, inbox] = await connection.run([
    statement("SELECT name FROM public.heard"),
    statement("SELECT count(*) AS n FROM banyan.inbox"),
  ]);
  expect(heard?.rows).toEqual([{ name: "ann" }]);
  expect(inbox?.rows).toEqual([{ n: 2 }]);
  await connection.close();
});
