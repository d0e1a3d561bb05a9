import { randomUUID } from "node:crypto";
import { connect } from "amqplib";

const IN_FLIGHT = 1_000;
const body = Buffer.from(JSON.stringify({ specversion: "1.0", data: "x".repeat(270) }));

/** amqplib by itself: a quorum queue, confirms, `mandatory`, a consumer that acknowledges. */
export async function open({ url }) {
  const name = `bench-raw-${randomUUID()}`;
  const [writing, reading] = [await connect(url), await connect(url)];
  const [writer, reader] = [await writing.createConfirmChannel(), await reading.createChannel()];
  await writer.assertExchange(name, "topic", { durable: true });
  await writer.assertQueue(name, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await writer.bindQueue(name, name, "bench.happened");
  await reader.prefetch(IN_FLIGHT);
  let arrived = () => {};
  await reader.consume(name, (message) => {
    reader.ack(message);
    arrived();
  });
  return {
    async run(count) {
      const { promise: all, resolve } = Promise.withResolvers();
      let left = count;
      arrived = () => {
        if (--left === 0) resolve();
      };
      const startMs = performance.now();
      await publish(count);
      await all;
      return (count / (performance.now() - startMs)) * 1_000;
    },
    async close() {
      await writer.deleteQueue(name);
      await writer.deleteExchange(name);
    },
  };

  function publish(count) {
    const { promise, resolve, reject } = Promise.withResolvers();
    let [sent, confirmed] = [0, 0];
    const settle = (refusal) => {
      if (refusal) reject(refusal);
      else if (++confirmed === count) resolve();
      else fill();
    };
    const fill = () => {
      while (sent < count && sent - confirmed < IN_FLIGHT) {
        const properties = {
          messageId: randomUUID(),
          type: "bench.happened",
          headers: { key: `acme/${sent++ % 100}` },
          persistent: true,
          mandatory: true,
        };
        writer.publish(name, "bench.happened", body, properties, settle);
      }
    };
    fill();
    return promise;
  }
}
