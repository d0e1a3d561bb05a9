import { randomUUID } from "node:crypto";
import type { Log, ReceivedMessage } from "@banyan/kernel/log";
import { expect } from "vitest";

/** A message of a type of its own goes all the way: a new group receives and acknowledges it. */
export async function expectTrip(log: Log): Promise<void> {
  const id = randomUUID();
  const message = { id, type: `probe.${id}`, key: "acme/1", body: Buffer.from("{}") };
  const { promise: received, resolve, reject } = Promise.withResolvers<readonly ReceivedMessage[]>();
  const consumer = await log.consume(
    { name: id, types: [message.type], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
    { received: resolve, lost: reject, refused: reject },
  );
  await log.append([message]);
  const messages = await received;
  expect(messages).toMatchObject([{ id }]);
  consumer.acknowledge(messages);
  await consumer.close();
}
