import { command, defineContract, event, implement, on } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../../src/index.ts";
import { createPool } from "../../src/pool.ts";
import { createLeads } from "../../src/store/lead.ts";
import { createRunner } from "../../src/store/runner.ts";
import { SilentCommands } from "../../src/store/silent-commands.ts";
import { beginCommands, commitSilently } from "../../src/store/transactions.ts";

const budget = () => {
  const end = performance.now() + 10_000;
  return { remainingMs: () => end - performance.now(), signal: new AbortController().signal };
};

test("other processes are told of events that wait for services led elsewhere and of jobs that are due soon, and of nothing else", async () => {
  const { url, drop } = await createTestDatabase(inject("postgresUrl"));
  const store = createPostgresStore({ url });
  await store.start([
    { name: "here", hears: ["probe.here", "probe.both"], migrations: undefined },
    { name: "elsewhere", hears: ["probe.both"], migrations: undefined },
  ]);
  const pool = createPool({ url });
  onTestFinished(async () => {
    await Promise.all([pool.close(budget()), store.stop(budget())]);
    await drop();
  });
  const leads = createLeads({ url });
  const told: string[] = [];
  const announce = (eventsAlone = false) => void told.push(eventsAlone ? "events" : "jobs");
  const runner = createRunner(pool, { announce, leads: leads.holds });
  const about = { tenant: "default", traceId: "0".repeat(32), metadata: {} };
  const toldOf = async (types: readonly string[], ...delaysMs: readonly number[]) => {
    told.length = 0;
    const silent = new SilentCommands((together) => commitSilently(runner, together));
    await beginCommands({ ...runner, silent }, [], budget()).commit({
      events: types.map((type) => ({ ...about, id: crypto.randomUUID(), type, key: "key", data: "{}" })),
      jobs: delaysMs.map((delayMs) => {
        const rest = { type: "probe.job", input: "{}", priority: "normal", dedupeKey: undefined, after: [] } as const;
        return { ...about, ...rest, id: crypto.randomUUID(), delayMs };
      }),
      commands: [],
    });
    return told.join();
  };
  expect(await toldOf(["probe.here"])).toBe("events");
  const { release } = await leads.lead("here", new AbortController().signal);
  expect(await toldOf(["probe.here"])).toBe("");
  expect(await toldOf(["probe.here", "probe.here"])).toBe("");
  expect(await toldOf(["probe.nobodys"])).toBe("");
  expect(await toldOf(["probe.both"])).toBe("events");
  expect(await toldOf(["probe.here", "probe.both"])).toBe("events");
  expect(await toldOf(["probe.here"], 86_400_000)).toBe("");
  expect(await toldOf(["probe.here"], 86_400_000, 1_000)).toBe("jobs");
  await release();
  expect(await toldOf(["probe.here"])).toBe("events");
});

const choir = defineContract("choir", {
  commands: { sing: command({ input: z.strictObject({ name: z.string() }), output: z.object({}), access: "public" }) },
  events: { sung: event({ data: z.strictObject({ name: z.string() }), key: ({ name }) => name }) },
});

test("an event that a fold passes over leaves no row in its inbox, and one that a subscription passes over does", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const service = implement(choir, {
    commands: {
      sing: (ctx, song) => {
        ctx.emit(choir.sung, song);
        return {};
      },
    },
    subscriptions: { listen: on(choir.sung, () => {}) },
    projections: {
      names: {
        folds: [on(choir.sung, (ctx, { name }) => (name === "ann" ? ctx.sql`SELECT 1`.then(() => {}) : undefined))],
        reset: (sql) => sql`SELECT 1`,
      },
    },
  });
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  onTestFinished(async () => {
    await app.stop();
    await database.drop();
  });
  await app.start();
  // One alone, and several that come together.
  for (const names of [["ben"], ["ann"], ["cid", "dan", "eve"]]) {
    await Promise.all(names.map((name) => app.call(choir.sing, { name })));
    await app.settled();
  }
  const connection = await connect({ url: database.url });
  const [rows] = await connection.run([
    statement(`SELECT subscriber, array_agg(key ORDER BY key) AS keys FROM banyan.inbox JOIN banyan.event ON id = event
      GROUP BY subscriber ORDER BY subscriber`),
  ]);
  await connection.close();
  expect(rows?.rows).toEqual([
    { subscriber: "choir.listen", keys: ["ann", "ben", "cid", "dan", "eve"] },
    { subscriber: "choir.names", keys: ["ann"] },
  ]);
});
