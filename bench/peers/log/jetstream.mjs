import { randomUUID } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const IN_FLIGHT = 1_000;
const body = Buffer.from(JSON.stringify({ specversion: "1.0", data: "x".repeat(270) }));

/** @nats-io/jetstream by itself: file storage, an answer to every publish, a consumer that acknowledges every message. */
export async function open({ url }) {
  const name = `bench-raw-${randomUUID()}`;
  const connection = await connect({ servers: url.replace("nats://", ""), noAsyncTraces: true });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name, subjects: [name], storage: "file" });
  await manager.consumers.add(name, { durable_name: "bench", ack_policy: "explicit", max_ack_pending: IN_FLIGHT });
  const client = jetstream(connection);
  const consumer = await client.consumers.get(name, "bench");
  let arrived = () => {};
  await consumer.consume({
    max_messages: IN_FLIGHT,
    callback: (message) => {
      message.ack();
      arrived();
    },
  });
  return {
    async run(count) {
      const { promise: all, resolve } = Promise.withResolvers();
      let left = count;
      arrived = () => {
        if (--left === 0) resolve();
      };
      const startMs = performance.now();
      let sent = 0;
      const sender = async () => {
        while (sent++ < count) await client.publish(name, body, { msgID: randomUUID() });
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
      await all;
      return (count / (performance.now() - startMs)) * 1_000;
    },
    async close() {
      await manager.streams.delete(name);
      await connection.close();
    },
  };
}
