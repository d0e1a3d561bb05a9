import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { command, defineContract, event, implement } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../src/index.ts";

const Note = z.strictObject({ text: z.string() });
const notes = defineContract("notes", {
  commands: {
    write: command({ input: Note, output: Note, access: "notes:write" }),
    think: command({ input: Note, output: Note, access: "notes:write" }),
    lookAndWrite: command({ input: Note, output: Note, access: "notes:write" }),
  },
  events: { written: event({ data: Note, key: (note) => note.text }) },
});
const notesService = implement(notes, {
  commands: {
    write: async (ctx, note) => {
      await ctx.sql`INSERT INTO public.note (text) VALUES (${note.text})`;
      ctx.emit(notes.written, note);
      return note;
    },
    lookAndWrite: async (ctx, note) => {
      await ctx.sql`SELECT FROM public.note WHERE text = ${note.text}`;
      void ctx.sql`INSERT INTO public.note (text) VALUES (${note.text})`;
      ctx.emit(notes.written, note);
      return note;
    },
    think: async (ctx, note) => {
      ctx.emit(notes.written, note);
      return note;
    },
  },
});

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let relay: Server;
let app: App;
/** Of the sessions for transactions: how often we spoke after the server had. */
let trips = 0;

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  const connection = await connect({ url: database.url });
  await connection.runScript("CREATE TABLE public.note (text text NOT NULL)");
  await connection.close();
  const target = new URL(database.url);
  relay = createServer((client) => carry(client, dial(Number(target.port), target.hostname)));
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as { port: number };
  const url = Object.assign(new URL(target), { host: `127.0.0.1:${port}` }).href;
  app = createApp({ services: [notesService], store: createPostgresStore({ url }) });
  await app.start();
});
afterAll(async () => {
  await app.stop();
  relay.close();
  await database.drop();
});

function carry(client: Socket, server: Socket): void {
  let counted: boolean | undefined;
  let answered = true;
  client.on("data", (bytes: Buffer) => {
    counted ??= bytes.includes("application_name\0banyan\0");
    if (counted && answered) trips++;
    answered = false;
  });
  server.on("data", () => {
    answered = true;
  });
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}

/** The least of several runs: the first opens a session and prepares, and deliveries may use one at the same time. */
async function roundTrips(call: () => Promise<unknown>): Promise<number> {
  const counts: number[] = [];
  for (let run = 0; run < 12; run++) {
    const before = trips;
    await call();
    counts.push(trips - before);
  }
  return Math.min(...counts);
}

test("a command costs one round trip beside its handler's own, with a key or without", async () => {
  expect(await roundTrips(() => app.call(notes.write, { text: "a" }))).toBe(2);
  expect(await roundTrips(() => app.call(notes.write, { text: "a" }, { idempotencyKey: crypto.randomUUID() }))).toBe(2);
});

test("a command that asks the database nothing costs one in all", async () => {
  expect(await roundTrips(() => app.call(notes.think, { text: "a" }))).toBe(1);
});

test("a statement that its handler does not wait for goes with the commit", async () => {
  const text = crypto.randomUUID();
  expect(await roundTrips(() => app.call(notes.lookAndWrite, { text }))).toBe(2);
  const connection = await connect({ url: database.url });
  const [found] = await connection.run([statement("SELECT FROM public.note WHERE text = $1", [text])]);
  await connection.close();
  expect(found?.count).toBe(12);
});

test("a replay costs two: the handler's first statement went with the look-up, and is undone", async () => {
  const idempotencyKey = crypto.randomUUID();
  await app.call(notes.write, { text: "b" }, { idempotencyKey });
  expect(await roundTrips(() => app.call(notes.write, { text: "b" }, { idempotencyKey }))).toBe(2);
});
