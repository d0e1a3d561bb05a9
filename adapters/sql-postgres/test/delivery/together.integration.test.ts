import { batched, command, defineContract, event, implement, job, onMany } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createPostgresStore } from "../../src/index.ts";

const named = z.strictObject({ name: z.string() });
const choir = defineContract("choir", {
  commands: { sing: command({ input: named, output: z.object({}), access: "public" }) },
  events: { sung: event({ data: named, key: ({ name }) => name }) },
  jobs: { echo: job({ input: named }) },
});

test("of events that come together each is told with its key, and what is said of one goes on under its own trace", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const together: (readonly string[])[] = [];
  const echoes = new Map<string, string>();
  let late = (): unknown => undefined;
  const service = implement(choir, {
    commands: {
      sing: batched<typeof choir.sing, unknown>(async (_ctx, items) =>
        items.map(({ input, emit }) => {
          emit(choir.sung, input);
          return {};
        }),
      ),
    },
    subscriptions: {
      listen: onMany(choir.sung, (ctx, songs) => {
        together.push(songs.map((_, place) => ctx.of(place).delivery.key));
        for (const [place, song] of songs.entries()) ctx.of(place).enqueue(choir.echo, song);
        expect(() => ctx.of(songs.length)).toThrow("there is no event 3 among the 3 that came");
        late = () => ctx.of(0).enqueue(choir.echo, { name: "late" });
      }),
    },
    jobs: { echo: (ctx, { name }) => void echoes.set(name, `${ctx.traceId} ${ctx.metadata.from}`) },
  });
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  await app.start();
  try {
    const names = ["ann", "ben", "cid"];
    const traceIdOf = (name: string) => Buffer.from(name.padEnd(16, ".")).toString("hex");
    const origins = names.map((name) => ({ traceId: traceIdOf(name), metadata: { from: name } }));
    await Promise.all(names.map((name, place) => app.call(choir.sing, { name }, origins[place])));
    await app.settled();
    expect(together).toEqual([names]);
    expect(late).toThrow("is an await missing?");
    expect([...echoes]).toEqual(names.map((name) => [name, `${traceIdOf(name)} ${name}`]));
  } finally {
    await app.stop();
    await database.drop();
  }
});
