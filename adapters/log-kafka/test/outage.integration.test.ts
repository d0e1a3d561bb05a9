import { randomUUID } from "node:crypto";
import type { LogMessage, ReceivedMessage } from "@banyan/kernel/log";
import { Admin, compatibilityPartitioner, Producer } from "@platformatic/kafka";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createKafkaLog, type KafkaLog, type KafkaLogOptions } from "../src/index.ts";
import { newNamespace, removeNamespace } from "./kafka.ts";

describeWithServer("kafka", "the log over Kafka, when something is wrong", (brokers) => {
  let namespace: string;
  let logs: KafkaLog[];

  beforeEach(() => {
    namespace = newNamespace();
    logs = [];
  });
  afterEach(async () => {
    await Promise.all(logs.map((log) => log.close({ deadlineMs: 500 })));
    await removeNamespace(brokers, namespace);
  });

  const open = async (options: Partial<KafkaLogOptions> = {}) => {
    const log = createKafkaLog({ brokers, namespace, ...options });
    logs.push(log);
    await log.open({ signal: AbortSignal.timeout(10_000) });
    return log;
  };
  const consume = async (log: KafkaLog) => {
    const received: ReceivedMessage[] = [];
    const group = {
      name: "g",
      types: ["a.b"],
      from: "earliest" as const,
      inFlightMax: 100,
      inFlightBytesMax: 1_000_000,
    };
    const consumer = await log.consume(group, {
      received: (messages) => void received.push(...messages),
      lost: () => {},
      refused: () => {},
    });
    return { consumer, received };
  };
  const messages = (count: number, key = "acme/1"): LogMessage[] =>
    Array.from({ length: count }, (_, index) => ({
      id: randomUUID(),
      type: "a.b",
      key,
      body: Buffer.from(String(index)),
    }));
  const admin = async <T>(work: (client: Admin) => Promise<T>): Promise<T> => {
    const client = new Admin({ clientId: "test", bootstrapBrokers: [brokers] });
    return work(client).finally(() => client.close());
  };

  test.for([
    ["a topic of which only the last of each key stays", [{ name: "cleanup.policy", value: "compact" }], "compact"],
    ["a topic that takes no large messages", [{ name: "max.message.bytes", value: "1000" }], "max.message.bytes"],
  ] as const)("%s is refused, with what differs", async ([, configs, said]) => {
    const topics = [`${namespace}.events`];
    await admin((client) => client.createTopics({ topics, partitions: 1, replicas: 1, configs: [...configs] }));
    await expect(open()).rejects.toMatchObject({
      code: "log.misconfigured",
      message: expect.stringContaining(said),
    });
  });

  test("a topic with other partitions than were asked for is refused; without a wish it is taken as it is", async () => {
    await open({ topic: { partitions: 2 } });
    await expect(open({ topic: { partitions: 3 } })).rejects.toMatchObject({
      code: "log.misconfigured",
      message: expect.stringContaining("it has 2 partitions, not 3"),
    });
    await (await open()).append(messages(1));
  });

  test("keys go where Java's clients send them", async () => {
    const log = await open();
    const keys = Array.from({ length: 50 }, (_, index) => `acme/${index}`);
    await log.append(keys.flatMap((key) => messages(1, key)));
    const producer = new Producer({
      clientId: "stranger",
      bootstrapBrokers: [brokers],
      idempotent: true,
      partitioner: (_message, key) => compatibilityPartitioner(undefined as never, key as Buffer),
    });
    const topic = `${namespace}.events`;
    const headers = (key: string) =>
      new Map(
        [
          ["ce_id", key],
          ["ce_type", "a.b"],
        ].map((pair) => pair.map((text) => Buffer.from(text as string)) as [Buffer, Buffer]),
      );
    await producer.send({
      messages: keys.map((key) => ({
        topic,
        key: Buffer.from(key),
        value: Buffer.from("theirs"),
        headers: headers(key),
      })),
    });
    await producer.close();
    // Within a partition all of ours come before all of theirs; a key that went elsewhere would come alone.
    const { received } = await consume(log);
    await vi.waitFor(() => expect(received).toHaveLength(100), { timeout: 10_000 });
    const whose = (key: string) =>
      received.filter((message) => message.key === key).map(({ body }) => Buffer.from(body).toString());
    for (const key of keys) expect(whose(key)).toEqual(["0", "theirs"]);
  });

  test("a group that was away for longer than the horizon goes on with what is left", async () => {
    const log = await open({ topic: { partitions: 1 } });
    const first = await consume(log);
    await log.append(messages(5));
    await vi.waitFor(() => expect(first.received).toHaveLength(5), { timeout: 10_000 });
    first.consumer.acknowledge(first.received.slice(0, 2));
    await first.consumer.close();
    const topics = [{ name: `${namespace}.events`, partitions: [{ partition: 0, offset: 4n }] }];
    await admin((client) => client.deleteRecords({ topics }));
    const { received } = await consume(log);
    await vi.waitFor(() => expect(received.map(({ body }) => Buffer.from(body).toString())).toEqual(["4"]), {
      timeout: 10_000,
    });
  });

  test("where nobody listens is unavailable", async () => {
    await expect(open({ brokers: "127.0.0.1:1" })).rejects.toMatchObject({ code: "log.unavailable" });
  });
});

test("what is no address is refused, without showing its password", () => {
  expect(() => createKafkaLog({ brokers: "user:secret@localhost:9092" })).toThrow(/"\*\*\*@localhost:9092" is no/);
  expect(() => createKafkaLog({ brokers: "localhost:9092", namespace: "a.b" })).toThrow("no namespace");
});
