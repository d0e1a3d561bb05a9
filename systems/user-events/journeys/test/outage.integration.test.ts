import { randomBytes } from "node:crypto";
import { createMongoDocuments } from "@banyan/documents-mongodb";
import { kvAnswerMs } from "@banyan/kernel/kv";
import { createRedisKv } from "@banyan/kv-redis";
import { events } from "@banyan/user-events-events/contract";
import { intake } from "@banyan/user-events-intake/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { removeKeys } from "../../../../tools/remove-keys.ts";
import { TestProxy } from "../../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../../tools/test-server.ts";
import { type Served, serveEvents } from "./serve-events.ts";

const patience = { timeout: 30_000, interval: 50 };

describeWithServer("mongodb", "User Events without what it stands on: MongoDB", (mongodb) =>
  describeWithServer("redis", "and Redis", (redis) => {
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    const client = new MongoClient(mongodb);
    let toRedis: TestProxy;
    let toMongo: TestProxy;
    let served: Served;
    let writeKey: string;
    beforeAll(async () => {
      toRedis = await TestProxy.before(Number(new URL(redis).port));
      toMongo = await TestProxy.before(Number(new URL(mongodb).port));
      served = await serveEvents(inject("postgresUrl"), {
        kv: createRedisKv({ url: `redis://127.0.0.1:${toRedis.port}`, namespace }),
        documents: createMongoDocuments({
          url: `mongodb://127.0.0.1:${toMongo.port}/${namespace}?directConnection=true`,
        }),
      });
      ({ writeKey } = await served.app.call(sources.create, { id: "limited", eventsPerSecond: 2 }));
    }, 30_000);
    afterAll(async () => {
      await served.close();
      toRedis.close();
      toMongo.close();
      await client.db(namespace).dropDatabase();
      await client.close();
      await removeKeys(redis, namespace);
    }, 30_000);

    let sent = 0;
    const send = async () => {
      const authorization = `Basic ${btoa(`${writeKey}:`)}`;
      const event = { event: "Step", anonymousId: "ann", messageId: `step-${sent++}` };
      return (await served.send("/v1/track", event, { authorization })).status;
    };
    const checkOf = async (name: string) => {
      const { body } = await served.ask("/readiness");
      return (body.checks as { name: string; ok: boolean }[]).find((check) => check.name === name)?.ok;
    };

    test("Redis that is gone or says nothing limits nobody: events are let in, and /readiness names it", async () => {
      const sending = async () => Promise.all(Array.from({ length: 6 }, send));
      expect(await sending()).toContain(429);
      onTestFinished(() => {
        toRedis.away(false);
        toRedis.holdUp(false);
      });
      for (const lose of [() => toRedis.away(true), () => toRedis.holdUp(true)]) {
        lose();
        // In less time than it takes to know that Redis says nothing.
        const event = { writeKey, event: "Step", anonymousId: "ann" };
        const deadlineMs = kvAnswerMs - 1_000;
        expect(await served.app.call(intake.track, event, { deadlineMs })).toMatchObject({ success: true });
        expect(await sending()).toEqual(Array(6).fill(202));
        expect(await checkOf("Redis (kv)")).toBe(false);
        toRedis.away(false);
        toRedis.holdUp(false);
        await expect.poll(() => checkOf("Redis (kv)"), patience).toBe(true);
        await expect.poll(sending, patience).toContain(429);
      }
    }, 60_000);

    test("MongoDB that is gone: reading says so, events wait, and are stored when it is back, none of them a bad row", async () => {
      await expect.poll(send, patience).toBe(202);
      const settled = async () => served.app.call(events.verify, {});
      await expect.poll(settled, patience).toMatchObject({ ok: true, inFlight: 0 });
      toMongo.away(true);
      onTestFinished(() => toMongo.away(false));
      await expect.poll(send, patience).toBe(202);
      await expect.poll(() => checkOf("MongoDB (documents)"), patience).toBe(false);
      await expect(served.app.call(events.list, {})).rejects.toMatchObject({ code: "documents.unavailable" });
      toMongo.away(false);
      await expect.poll(() => checkOf("MongoDB (documents)"), patience).toBe(true);
      await expect.poll(settled, patience).toMatchObject({ ok: true, inFlight: 0 });
      expect((await served.app.call(events.badRows, {})).badRows).toEqual([]);
    }, 90_000);
  }),
);
