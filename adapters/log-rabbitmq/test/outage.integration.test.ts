import { randomUUID } from "node:crypto";
import type { ConsumeOptions, LogMessage, ReceivedMessage } from "@banyan/kernel/log";
import { connect } from "amqplib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRabbitLog, type RabbitLog, type RabbitLogOptions } from "../src/index.ts";
import { manage, newNamespace, removeNamespace } from "./rabbit.ts";

describeWithServer("rabbitmq", "the log over RabbitMQ, when something is wrong", (url) => {
  let namespace: string;
  let proxy: TestProxy;
  let logs: RabbitLog[];

  beforeEach(async () => {
    namespace = newNamespace();
    proxy = await TestProxy.before(Number(new URL(url).port));
    logs = [];
  });
  afterEach(async () => {
    proxy.holdUp(false);
    await Promise.all(logs.map((log) => log.close({ deadlineMs: 500 })));
    proxy.close();
    await removeNamespace(namespace);
  });

  const open = async (options: Partial<RabbitLogOptions> = {}) => {
    const log = createRabbitLog({ url, namespace, ...options });
    logs.push(log);
    await log.open({ signal: AbortSignal.timeout(5_000) });
    return log;
  };
  const behindProxy = () => Object.assign(new URL(url), { port: String(proxy.port) }).href;

  const consume = async (log: RabbitLog, options: Partial<ConsumeOptions> = {}) => {
    const received: ReceivedMessage[] = [];
    const group = {
      name: "g",
      types: ["a.b"],
      from: "earliest" as const,
      inFlightMax: 100,
      inFlightBytesMax: 1_000_000,
      ...options,
    };
    const consumer = await log.consume(group, {
      received: (messages) => void received.push(...messages),
      lost: () => {},
      refused: () => {},
    });
    return { consumer, received };
  };
  const numbers = (received: readonly LogMessage[]) => received.map(({ body }) => Number(Buffer.from(body).toString()));
  const messages = (from: number, to: number): LogMessage[] =>
    Array.from({ length: to - from }, (_, index) => ({
      id: randomUUID(),
      type: "a.b",
      key: "acme/1",
      body: Buffer.from(String(from + index)),
    }));
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

  test("no more is sent ahead than the prefetch says, as RabbitMQ itself counts it", async () => {
    const log = await open({ prefetch: 10 });
    const { received, consumer } = await consume(log);
    await log.append(messages(0, 30));
    const channel = await (await log.unwrap()).createChannel();
    const ready = async () => (await channel.checkQueue(`${namespace}.group.g`)).messageCount;
    await expect.poll(() => numbers(received), { timeout: 5_000 }).toEqual(upTo(10));
    expect(await ready()).toBe(20);
    consumer.acknowledge(received.splice(0, 4));
    await expect.poll(() => numbers(received), { timeout: 5_000 }).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(await ready()).toBe(16);
  });

  test("one that takes over from one that still holds gets nothing before that came back", async () => {
    const log = await open({ url: behindProxy() });
    const { received: first } = await consume(log);
    await log.append(messages(0, 20));
    await vi.waitFor(() => expect(first).toHaveLength(20));
    proxy.holdUp(true);
    const next = await open();
    const { received } = await consume(next);
    await next.append(messages(20, 30));
    expect(received).toEqual([]);
    // The server leaves the first after two or three heartbeats of 5 s.
    await vi.waitFor(() => expect(numbers(received)).toEqual(upTo(30)), { timeout: 40_000 });
  }, 60_000);

  test("what dead consumers held comes again in order, one death after the other", async () => {
    const log = await open();
    await log.append(messages(0, 50));
    for (let deaths = 0; deaths < 3; deaths++) {
      const { received, consumer } = await consume(log, { inFlightMax: 10, inFlightBytesMax: 1_000_000 });
      await vi.waitFor(() =>
        expect(numbers(received)).toEqual(upTo(13 + deaths * 3).slice(deaths * 3, deaths * 3 + 10)),
      );
      consumer.acknowledge(received.slice(0, 3));
      await vi.waitFor(() => expect(received).toHaveLength(13));
      await consumer.close();
    }
    const { received } = await consume(log);
    await vi.waitFor(() => expect(numbers(received)).toEqual(upTo(50).slice(9)));
  });

  test("a group that begins later has what nobody took, in order, before what is new; a second one has it too", async () => {
    const log = await open();
    await log.append(messages(0, 500));
    const one = await consume(log, { inFlightMax: 1_000, inFlightBytesMax: 1_000_000 });
    await log.append(messages(500, 600));
    const two = await consume(log, { name: "h", inFlightMax: 1_000, inFlightBytesMax: 1_000_000 });
    await vi.waitFor(() => expect(numbers(one.received)).toEqual(upTo(600)));
    await vi.waitFor(() => expect(numbers(two.received)).toEqual(upTo(500)));
    expect(await log.lag({ name: "h", types: ["a.b"] })).toBe(500);
    two.consumer.acknowledge(two.received);
    await vi.waitFor(async () => expect(await log.lag({ name: "h", types: ["a.b"] })).toBe(0));
    const names = async () => {
      const queues: { name: string }[] = await manage("queues/%2F");
      return queues.map(({ name }) => name.replace(namespace, "")).filter((name) => name.startsWith("."));
    };
    const left = [".group.g", ".group.g.history", ".group.h", ".unclaimed"];
    await vi.waitFor(async () => expect((await names()).sort()).toEqual(left), { timeout: 5_000 });
  });

  test("a server that answers nothing makes append fail within its time, and work again when it answers", async () => {
    const log = await open({ url: behindProxy(), appendMs: 1_000 });
    await log.append(messages(0, 1));
    proxy.holdUp(true);
    const began = performance.now();
    await expect(log.append(messages(1, 2))).rejects.toMatchObject({ code: "log.unavailable" });
    expect(performance.now() - began).toBeLessThan(2_000);
    proxy.holdUp(false);
    await vi.waitFor(() => log.append(messages(2, 3)), { timeout: 10_000 });
  });

  test("a queue that its policy lets refuse messages makes append fail; what it kept is in order again when repeated", async () => {
    const log = await open();
    await (await consume(log)).consumer.close();
    const policy = `policies/%2F/${namespace}`;
    const definition = { "max-length": 10, overflow: "reject-publish" };
    await manage(policy, {
      method: "PUT",
      body: { pattern: `^${namespace}\\.group\\.`, definition, "apply-to": "queues" },
    });
    const all = messages(0, 200);
    await vi.waitFor(() => expect(log.append(all)).rejects.toMatchObject({ code: "log.unavailable" }));
    // Whoever reads makes room; while there is none, the call fails again.
    const reader = await consume(log);
    const reading = setInterval(() => reader.consumer.acknowledge(reader.received), 5);
    await vi.waitFor(() => log.append(all), { timeout: 20_000 });
    await vi.waitFor(() => expect([...new Set(numbers(reader.received))]).toEqual(upTo(200)));
    clearInterval(reading);
    await manage(policy, { method: "DELETE" });
  });

  test("an exchange that lost its stream is made whole again, and nothing is confirmed that went nowhere", async () => {
    const log = await open();
    const connection = await connect(url);
    const channel = await connection.createChannel();
    await channel.deleteQueue(`${namespace}.unclaimed`);
    await expect(log.append(messages(0, 1))).rejects.toMatchObject({ code: "log.unavailable" });
    await log.append(messages(0, 1));
    const { received } = await consume(log);
    await vi.waitFor(() => expect(numbers(received)).toEqual([0]));
    await connection.close();
  });

  test("a group stops getting a type that it takes no more", async () => {
    const log = await open();
    await (await consume(log, { types: ["a.b", "a.c"] })).consumer.close();
    const { received } = await consume(log);
    const dropped = messages(0, 1).map((message) => ({ ...message, type: "a.c" }));
    await log.append([...dropped, ...messages(1, 2)]);
    await vi.waitFor(() => expect(numbers(received)).toEqual([1]));
    const bound = async () => {
      const bindings: { routing_key: string }[] = await manage(`exchanges/%2F/${namespace}.events/bindings/source`);
      return bindings.map(({ routing_key }) => routing_key);
    };
    await vi.waitFor(async () => expect(await bound()).toEqual(["a.b"]));
  });

  test("somebody else's queue under our name is refused, with what differs", async () => {
    const connection = await connect(url);
    const channel = await connection.createChannel();
    await channel.assertQueue(`${namespace}.group.g`, { durable: true });
    const log = await open();
    await expect(consume(log)).rejects.toMatchObject({
      code: "log.misconfigured",
      message: expect.stringContaining("inequivalent arg"),
    });
    await connection.close();
  });

  test.for([
    ["a wrong password", (at: URL) => Object.assign(at, { password: "wrong" })],
    ["a virtual host that is not there", (at: URL) => Object.assign(at, { pathname: "/nowhere" })],
    ["a port where nobody listens", (at: URL) => Object.assign(at, { port: "1" })],
  ] as const)("%s is unavailable", async ([, change]) => {
    await expect(open({ url: change(new URL(url)).href })).rejects.toMatchObject({ code: "log.unavailable" });
  });

  test("the second server of a list is taken when the first is not there", async () => {
    await (await open({ url: ["amqp://127.0.0.1:1", url] })).append(messages(0, 1));
  });
});

test("what is no address is refused, without showing its password", () => {
  expect(() => createRabbitLog({ url: "http://user:secret@localhost" })).toThrow(/"http:\/\/\*\*\*@localhost" is no/);
  expect(() => createRabbitLog({ url: "amqp://localhost", namespace: "a.b" })).toThrow("no namespace");
  for (const prefetch of [0, 65_536, 1.5])
    expect(() => createRabbitLog({ url: "amqp://localhost", prefetch })).toThrow("no prefetch");
});
