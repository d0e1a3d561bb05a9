import { randomUUID } from "node:crypto";
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from "amqplib";
import { Acknowledgements } from "./acknowledgements.ts";
import { faultOf } from "./faults.ts";
import { messageOf, propertiesOf, typeOf } from "./message.ts";
import type { Membership } from "./topology.ts";

const fenceType = "banyan-fence";
const underWayMax = 1_000;

/** Whether this is where a group's history ends. */
export const isFence = ({ properties }: ConsumeMessage): boolean => properties.type === fenceType;

/**
 * Copies what is unclaimed of a group's types into a queue of its own, which the group has before anything else. The group's
 * queue is bound by now: nothing falls between. What came while this began is in both, which is twice, and not out of order.
 * Raises `log.misconfigured`, `log.unavailable`.
 */
export async function copyHistory(connection: ChannelModel, membership: Membership): Promise<void> {
  const { topology, group } = membership;
  const { names } = topology;
  const channel = await connection.createConfirmChannel();
  const { promise: broken, reject } = Promise.withResolvers<never>();
  channel.on("error", reject).on("close", () => reject(new Error("the connection to RabbitMQ broke")));
  const copied = async () => {
    await topology.beginHistory(channel, group.name);
    await copyToFence(channel, membership);
    channel.sendToQueue(names.history(group.name), Buffer.alloc(0), { type: fenceType, persistent: true });
    await channel.waitForConfirms();
    await channel.deleteExchange(names.behind(group.name));
  };
  try {
    await Promise.race([copied(), broken]);
  } catch (cause) {
    throw faultOf(cause);
  } finally {
    await channel.close().catch(() => {});
  }
}

async function copyToFence(channel: ConfirmChannel, { topology, group, receiver }: Membership): Promise<void> {
  const { unclaimed } = topology.names;
  const history = topology.names.history(group.name);
  const acknowledgements = new Acknowledgements(channel);
  const fence = randomUUID();
  channel.sendToQueue(unclaimed, Buffer.alloc(0), { type: fenceType, messageId: fence });
  await channel.waitForConfirms();
  const { promise: reached, resolve, reject } = Promise.withResolvers<void>();
  const copy = (delivery: ConsumeMessage | null) => {
    if (delivery === null) return reject(new Error(`the stream ${unclaimed} went away`));
    const type = typeOf(delivery);
    const message = group.types.includes(type) ? messageOf(delivery, type) : undefined;
    if (typeof message === "object") {
      const settle = (refusal: unknown) => (refusal ? reject(refusal) : acknowledgements.done([delivery]));
      channel.sendToQueue(history, delivery.content, propertiesOf(message), settle);
      return;
    }
    if (message !== undefined) receiver.refused(message);
    acknowledgements.done([delivery]);
    if (delivery.properties.messageId === fence) resolve();
  };
  // RabbitMQ gives a stream to none who does not say how much he takes at once.
  await channel.prefetch(underWayMax);
  await channel.consume(unclaimed, copy, { consumerTag: unclaimed, arguments: { "x-stream-offset": "first" } });
  await reached;
  await channel.cancel(unclaimed);
  await channel.waitForConfirms();
}
