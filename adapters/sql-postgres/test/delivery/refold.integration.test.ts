import { randomUUID } from "node:crypto";
import { expect, inject, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createPostgresStore } from "../../src/index.ts";

test("a refold reads no more long events at a time than fit into memory, and misses none", async () => {
  const budget = { remainingMs: () => 30_000, signal: new AbortController().signal };
  const database = await createTestDatabase(inject("postgresUrl"));
  const store = createPostgresStore({ url: database.url });
  onTestFinished(async () => {
    await store.stop(budget);
    await database.drop();
  });
  await store.start([]);
  const data = JSON.stringify("x".repeat(3_000_000));
  const events = [1, 2, 3, 4].map((key) => {
    return { id: randomUUID(), type: "probe.long", tenant: "t", key: `${key}`, data, traceId: "", metadata: {} };
  });
  for (const event of events) await store.beginCommands([], budget).commit({ commands: [], jobs: [], events: [event] });
  const pages: string[][] = [];
  await store.outbox.refold("probe.fold", ["probe.long"], {
    reset: async () => {},
    fold: async (_sql, page) => void pages.push(page.map(({ key }) => key)),
  });
  expect(pages).toEqual([["1", "2", "3"], ["4"]]);
});
