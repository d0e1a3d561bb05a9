import { randomUUID } from "node:crypto";
import { Admin, Consumer, Producer } from "@platformatic/kafka";

const BATCH = 1_000;
const body = Buffer.from(JSON.stringify({ specversion: "1.0", data: "x".repeat(270) }));
const bytes = (text) => Buffer.from(text);

/** @platformatic/kafka by itself: an idempotent producer, a group's stream that commits by itself. */
export async function open({ url }) {
  const topic = `bench-raw-${randomUUID()}`;
  const client = { clientId: "bench", bootstrapBrokers: [url] };
  const admin = new Admin(client);
  await admin.createTopics({ topics: [topic], partitions: 6, replicas: 1 });
  const producer = new Producer({ ...client, idempotent: true });
  const consumer = new Consumer({ ...client, groupId: topic, maxWaitTime: 500 });
  const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: 25 });
  let arrived = () => {};
  stream.on("data", () => arrived());
  return {
    async run(count) {
      const { promise: all, resolve } = Promise.withResolvers();
      let left = count;
      arrived = () => {
        if (--left === 0) resolve();
      };
      const startMs = performance.now();
      for (let from = 0; from < count; from += BATCH) {
        const messages = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => ({
          topic,
          key: bytes(`acme/${index % 100}`),
          value: body,
          headers: new Map([[bytes("ce_id"), bytes(randomUUID())], [bytes("ce_type"), bytes("bench.happened")]]),
        }));
        await producer.send({ messages, acks: -1 });
      }
      await all;
      return (count / (performance.now() - startMs)) * 1_000;
    },
    async close() {
      await stream.close();
      await consumer.close(true);
      await admin.deleteTopics({ topics: [topic] });
    },
  };
}
