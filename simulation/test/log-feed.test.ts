import { command, defineContract, event, implement, on } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { InProcessLog, type Log } from "@banyan/kernel/log";
import type { Store } from "@banyan/kernel/store";
import { beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { Database } from "../src/memory/database.ts";
import { createMemoryStore } from "../src/memory/store.ts";
import { forwarding } from "../src/world/forwarding.ts";
import { directWire } from "./direct-wire.ts";

/* The first two are losses that the simulation has found (seeds 562 and 234 of its first day), in as few steps as they take. */

const shop = defineContract("shop", {
  commands: { order: command({ input: z.strictObject({ item: z.string() }), output: z.null(), access: "public" }) },
  events: { ordered: event({ data: z.strictObject({ item: z.string() }), key: () => "orders" }) },
});
const stock = defineContract("stock", {});

let database: Database;
let log: InProcessLog;
let heard: string[];

beforeEach(() => {
  database = new Database(Date.now);
  log = new InProcessLog();
  heard = [];
});

const shopService = implement(shop, {
  commands: {
    order: (ctx, { item }) => {
      ctx.emit(shop.ordered, { item });
      return null;
    },
  },
});
const stockService = implement(stock, {
  subscriptions: { reserve: on(shop.ordered, (_ctx, { item }) => void heard.push(item)) },
});

const newStore = () => createMemoryStore({ database, wire: directWire, dialect: () => undefined });

async function started(service: typeof shopService, by: Log = log.connect(), store = newStore()): Promise<App> {
  const app = createApp({ services: [service], store, log: by });
  await app.start();
  return app;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isAcknowledged = () => log.places.get("stock")?.floor === log.messages.length;

test("F5 what comes while a process drains is left to the next one", async () => {
  const shopApp = await started(shopService);
  const engine = log.connect();
  const slowToEnd = forwarding(engine, {
    async consume(options, receiver) {
      const consumer = await engine.consume(options, receiver);
      const close = async () => {
        await shopApp.call(shop.order, { item: "late" });
        await vi.waitUntil(() => log.messages.length === 1);
        await pause(50);
        await consumer.close();
      };
      return { acknowledge: (messages) => consumer.acknowledge(messages), close };
    },
  });
  const stockApp = await started(stockService, slowToEnd);
  await vi.waitUntil(() => log.places.has("stock"));
  await stockApp.stop();
  expect(heard).toEqual([]);
  const next = await started(stockService);
  await vi.waitUntil(() => heard.length === 1);
  await Promise.all([next.stop(), shopApp.stop()]);
});

test("F1 what was done before the engine has answered that it consumes is acknowledged, too", async () => {
  const shopApp = await started(shopService);
  await shopApp.call(shop.order, { item: "early" });
  await vi.waitUntil(() => log.messages.length === 1);
  const engine = log.connect();
  const slowToAnswer = forwarding(engine, {
    async consume(options, receiver) {
      const consumer = await engine.consume(options, receiver);
      await vi.waitUntil(() => heard.length === 1);
      await pause(50);
      return consumer;
    },
  });
  const stockApp = await started(stockService, slowToAnswer);
  await vi.waitUntil(isAcknowledged);
  expect(heard).toEqual(["early"]);
  await Promise.all([stockApp.stop(), shopApp.stop()]);
});

test("F5 a consumer that fails to close costs no more than its own term: the lead is given back", async () => {
  const shopApp = await started(shopService);
  const engine = log.connect();
  const failsToClose = forwarding(engine, {
    async consume(options, receiver) {
      const consumer = await engine.consume(options, receiver);
      const close = async () => {
        await consumer.close();
        throw new Error("the engine broke");
      };
      return { acknowledge: (messages) => consumer.acknowledge(messages), close };
    },
  });
  const store = newStore();
  const leads = new Set<string>();
  const lead: Store["outbox"]["lead"] = async (service, signal) => {
    const had = await store.outbox.lead(service, signal);
    leads.add(service);
    const release = () => had.release().then(() => void leads.delete(service));
    return { lost: had.lost, release };
  };
  const stockApp = await started(stockService, failsToClose, { ...store, outbox: { ...store.outbox, lead } });
  await vi.waitUntil(() => log.places.has("stock") && leads.has("stock"));
  await stockApp.stop();
  expect(leads).toEqual(new Set());
  await shopApp.stop();
});

test("what passed the log's horizon unread is counted, and told of with what brings it again", async () => {
  const told: unknown[] = [];
  const counted: unknown[] = [];
  const engine = log.connect();
  const forgetful = forwarding(engine, {
    consume(options, receiver) {
      receiver.refused("expired", 3);
      return engine.consume(options, receiver);
    },
  });
  const report = (error: unknown) => told.push(error);
  const app = createApp({ services: [stockService], store: newStore(), log: forgetful, report });
  app.inspect((record) => counted.push(record), ["refused-message"]);
  await app.start();
  await vi.waitFor(() => expect(counted).toMatchObject([{ service: "stock", reason: "expired", count: 3 }]));
  expect(told).toMatchObject([{ message: expect.stringContaining("banyan log republish --since") }]);
  await app.stop();
});
