import { command, defineContract, implement } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { defineCollection } from "@banyan/kernel/documents";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import * as z from "zod";
import { createTestDatabase, type TestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresDocuments } from "../src/index.ts";

const Note = z.object({ id: z.string(), at: z.int() });
const notes = defineCollection("notes.note", {
  schema: Note,
  key: ["id"],
  day: "at",
  keepDays: 10,
  order: ["at"],
  indexes: ["id"],
});
const contract = defineContract("notes", {
  commands: {
    keep: command({
      input: z.strictObject({ ids: z.array(z.string()), isBroken: z.boolean() }),
      output: z.array(z.enum(["inserted", "duplicate"])),
      access: "public",
    }),
  },
});

const service = implement(contract, {
  collections: [notes],
  commands: {
    keep: async (ctx, { ids, isBroken }) => {
      const inserted = ids.map((id, at) => ({ document: { id, at: ctx.now() + at }, insertion: ctx.newId() }));
      const verdicts = await ctx.documents(notes).insert(inserted);
      if (isBroken) throw new Error("changed its mind");
      return verdicts;
    },
  },
});

let database: TestDatabase;
let app: App;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [service],
    store: createPostgresStore({ url: database.url }),
    documents: createPostgresDocuments({ url: database.url, inStore: true }),
    report: () => {},
  });
  await app.start();
});
afterAll(async () => {
  await app.stop();
  await database.drop();
});

const keep = (ids: readonly string[], isBroken = false) => app.call(contract.keep, { ids: [...ids], isBroken });

test("in the store's database documents commit with their handler, or not at all", async () => {
  await expect(keep(["one", "two"], true)).rejects.toMatchObject({ code: "kernel.internal" });
  expect(await keep(["one"])).toEqual(["inserted"]);
  await expect(keep(["three", "one"], true)).rejects.toThrow();
  expect(await keep(["three", "one"])).toEqual(["inserted", "duplicate"]);
});

test("transactions with the same keys wait for each other and not crosswise", async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `shared-${index}`);
  const answers = await Promise.all([keep(ids), keep(ids.toReversed()), keep(ids), keep(ids.toReversed())]);
  const inserted = answers.flat().filter((verdict) => verdict === "inserted");
  expect(inserted).toHaveLength(ids.length);
});

test("a service with collections does not start without documents", () => {
  const store = createPostgresStore({ url: database.url });
  expect(() => createApp({ services: [service], store })).toThrow("notes keeps documents");
});
