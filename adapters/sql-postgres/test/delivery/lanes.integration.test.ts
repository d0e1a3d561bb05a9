import { command, defineContract, event, implement, on } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../../src/index.ts";

const Names = z.strictObject({ names: z.array(z.string()) });
const greeter = defineContract("greeter", {
  commands: { greet: command({ input: Names, output: z.object({}), access: "public" }) },
  events: { greeted: event({ data: z.strictObject({ name: z.string() }), key: ({ name }) => name }) },
});
const service = implement(greeter, {
  commands: {
    greet: (ctx, { names }) => {
      for (const name of names) ctx.emit(greeter.greeted, { name });
      return {};
    },
  },
  subscriptions: {
    note: on(greeter.greeted, async (ctx, { name }) => {
      await ctx.sql`INSERT INTO public.heard VALUES (${name})`;
    }),
  },
});

test("what one commit tells of many keys is one transaction of each subscriber", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const connection = await connect({ url: database.url });
  await connection.run([statement("CREATE TABLE public.heard (name text)")]);
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  await app.start();
  await app.call(greeter.greet, { names: Array.from({ length: 16 }, (_, number) => `name-${number}`) });
  await app.settled();
  const [heard] = await connection.run([
    statement("SELECT count(*)::int AS count, count(DISTINCT xmin::text)::int AS transactions FROM public.heard"),
  ]);
  expect(heard?.rows).toEqual([{ count: 16, transactions: 1 }]);
  await app.stop();
  await connection.close();
  await database.drop();
});
