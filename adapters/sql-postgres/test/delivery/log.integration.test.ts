import { command, defineContract, event, implement, on } from "@banyan/kernel";
import { type App, createApp, type InspectorRecord } from "@banyan/kernel/app";
import { InProcessLog, type Log, type LogMessage } from "@banyan/kernel/log";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../../src/index.ts";

const shop = defineContract("shop", {
  commands: { order: command({ input: z.strictObject({ item: z.string() }), output: z.null(), access: "public" }) },
  events: { ordered: event({ data: z.strictObject({ item: z.string() }), key: () => "orders" }) },
});

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const apps: App[] = [];
let log: InProcessLog;
let heard: string[] = [];

beforeEach(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  log = new InProcessLog({ messageBytesMax: 1_000 });
  heard = [];
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop({ deadlineMs: 1_000 })));
  await database.drop();
});

const shopService = implement(shop, {
  commands: {
    order: async (ctx, { item }) => {
      ctx.emit(shop.ordered, { item });
      return null;
    },
  },
});
const stockService = implement(defineContract("stock", {}), {
  subscriptions: { reserve: on(shop.ordered, (_ctx, { item }) => void heard.push(item)) },
});

async function started(services = [shopService, stockService], by: Log | undefined = log.connect()): Promise<App> {
  const store = createPostgresStore({ url: database.url });
  const app = createApp({ services, store, ...(by !== undefined && { log: by }) });
  apps.push(app);
  await app.start();
  return app;
}

const order = (app: App, ...items: string[]) => Promise.all(items.map((item) => app.call(shop.order, { item })));
const settled = (app: App) => app.settled({ deadlineMs: 10_000 });
const keptItems = () =>
  log.messages.map(({ message }) => (JSON.parse(textOf(message)) as { data: { item: string } }).data.item);
const textOf = ({ body }: LogMessage) => new TextDecoder().decode(body);

test("an event reaches a service with another database by the log", async () => {
  const other = await createTestDatabase(inject("postgresUrl"));
  const app = await started([shopService]);
  const elsewhere = createApp({
    services: [stockService],
    store: createPostgresStore({ url: other.url }),
    log: log.connect(),
  });
  await elsewhere.start();
  await order(app, "tea");
  await settled(app);
  await settled(elsewhere);
  expect(heard).toEqual(["tea"]);
  await elsewhere.stop();
  await other.drop();
});

test("a projection of another database's events is rebuilt from the log, and refused when that has let go of some", async () => {
  const other = await createTestDatabase(inject("postgresUrl"));
  const connection = await connect({ url: other.url });
  await connection.run([
    statement("CREATE TABLE public.sold (position bigint GENERATED ALWAYS AS IDENTITY, item text)"),
  ]);
  const sold = async () => {
    const [all] = await connection.run([statement("SELECT item FROM public.sold ORDER BY position")]);
    return all?.rows.map(({ item }) => item);
  };
  const reports = implement(defineContract("reports", {}), {
    projections: {
      sold: {
        reset: (sql) => sql`DELETE FROM public.sold`,
        folds: [
          on(
            shop.ordered,
            async (ctx, { item }) => void (await ctx.sql`INSERT INTO public.sold (item) VALUES (${item})`),
          ),
        ],
      },
    },
  });
  const app = await started([shopService]);
  const elsewhere = createApp({
    services: [reports],
    store: createPostgresStore({ url: other.url }),
    log: log.connect(),
  });
  apps.push(elsewhere);
  await elsewhere.start();
  for (const item of ["tea", "milk", "sugar"]) await order(app, item);
  await settled(app);
  await settled(elsewhere);
  expect(await elsewhere.rebuild("reports.sold")).toEqual({ foldedCount: 3 });
  expect(await sold()).toEqual(["tea", "milk", "sugar"]);
  await order(app, "salt");
  await settled(app);
  await settled(elsewhere);
  expect(await sold()).toEqual(["tea", "milk", "sugar", "salt"]);

  const [tea] = log.messages;
  const read: Log["read"] = async function* (options) {
    for await (const page of log.connect().read(options)) yield page.filter(({ id }) => id !== tea?.message.id);
  };
  await elsewhere.stop();
  const later = createApp({
    services: [reports],
    store: createPostgresStore({ url: other.url }),
    log: Object.assign(log.connect(), { read }),
  });
  apps.push(later);
  await later.start();
  await expect(later.rebuild("reports.sold")).rejects.toMatchObject({
    code: "store.missing",
    details: { subscriber: "reports.sold", count: 1 },
  });
  expect(await sold()).toEqual(["tea", "milk", "sugar", "salt"]);
  await later.stop();
  await connection.close();
  await other.drop();
});

test("R1 while the log is away events wait, and none is lost or out of order when it returns", async () => {
  const app = await started();
  await order(app, "a");
  await settled(app);
  log.setUp(false);
  for (const item of ["b", "c", "d"]) await order(app, item);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(heard).toEqual(["a"]);
  expect((await app.lag().catch(() => undefined))?.unsentCount).not.toBe(0);
  log.setUp(true);
  await vi.waitFor(() => expect(heard).toEqual(["a", "b", "c", "d"]), 10_000);
});

test("R1 what was committed and not yet appended when the process ended, the next appends", async () => {
  const first = await started();
  log.setUp(false);
  await order(first, "a", "b");
  await first.stop({ deadlineMs: 500 });
  log.setUp(true);
  await settled(await started());
  expect(heard.toSorted()).toEqual(["a", "b"]);
});

test("R3 what the log refuses is a dead letter, holds nothing up, and is appended when it is redriven", async () => {
  const app = await started();
  const large = "x".repeat(2_000);
  for (const item of ["a", large, "b"]) await order(app, item);
  await settled(app);
  expect(heard).toEqual(["a", "b"]);
  const [letter] = await app.deadLetters();
  expect(letter).toMatchObject({ subscriber: "@log", error: expect.stringContaining("more than 1000 bytes") });
  expect(await app.redrive(letter?.id as string)).toBe("failed");
  Object.assign(log.traits, { messageBytesMax: 10_000 });
  expect(await app.redrive(letter?.id as string)).toBe("handled");
  await settled(app);
  expect(heard).toEqual(["a", "b", large]);
  expect(await app.deadLetters()).toEqual([]);
});

test("F2 a message that comes twice has one effect", async () => {
  const connection = await connect({ url: database.url });
  await connection.run([statement("CREATE TABLE public.effect (item text)")]);
  const counting = implement(defineContract("counting", {}), {
    subscriptions: {
      count: on(
        shop.ordered,
        async (ctx, { item }) => void (await ctx.sql`INSERT INTO public.effect VALUES (${item})`),
      ),
    },
  });
  const app = await started([shopService, counting]);
  await order(app, "a");
  await settled(app);
  const again = log.messages.map(({ message }) => message);
  await log.connect().append([...again, ...again]);
  await order(app, "b");
  await settled(app);
  const [effects] = await connection.run([statement("SELECT item FROM public.effect")]);
  expect(effects?.rows).toEqual([{ item: "a" }, { item: "b" }]);
  await connection.close();
});

test("F3 what waited in the outbox when a log was bound goes by the log", async () => {
  const without = await started([shopService, stockService], undefined);
  const blocked = vi.spyOn(heard, "push").mockImplementation(() => {
    throw new Error("not now");
  });
  await order(without, "a", "b");
  await without.stop({ deadlineMs: 500 });
  blocked.mockRestore();
  await settled(await started());
  expect(heard.toSorted()).toEqual(["a", "b"]);
  expect(keptItems().toSorted()).toEqual(["a", "b"]);
});

test("F4 what is no event of ours is counted, and comes no more", async () => {
  const app = await started();
  const records: InspectorRecord[] = [];
  app.inspect((record) => records.push(record), ["refused-message"]);
  const foreign = { id: crypto.randomUUID(), type: "shop.ordered", key: "acme/orders", body: Uint8Array.of(1, 2) };
  await log.connect().append([foreign]);
  await order(app, "a");
  await settled(app);
  expect(heard).toEqual(["a"]);
  expect(records).toMatchObject([{ service: "stock", reason: "no JSON object" }]);
});

test("what a running application needs is not forgotten", async () => {
  const app = await started();
  const refused = { code: "kernel.stillSubscribed" };
  await expect(app.forgetSubscriptions("@log")).rejects.toMatchObject(refused);
  await expect(app.forgetSubscriptions("stock")).rejects.toMatchObject(refused);
  await order(app, "a");
  await settled(app);
  expect(heard).toEqual(["a"]);
  expect(await app.forgetSubscriptions("gone")).toBe(0);
});
