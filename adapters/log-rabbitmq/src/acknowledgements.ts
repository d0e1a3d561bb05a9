import type { Channel, ConsumeMessage } from "amqplib";

/** What is known of a message by which it is acknowledged; its content need not be kept for that. */
export type Delivery = Pick<ConsumeMessage, "fields">;

/** Acknowledges on one channel in as few frames as can be: all up to a delivery at once, where everything before it is done too. */
export class Acknowledgements {
  private readonly channel: Channel;
  /** Every delivery up to this tag is done; of those beyond, these. */
  private floor = 0;
  private readonly beyond = new Set<number>();

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Answers those that were not done before. */
  done<T extends Delivery>(deliveries: readonly T[]): readonly T[] {
    const fresh = deliveries.filter(({ fields: { deliveryTag } }) => {
      if (deliveryTag <= this.floor || this.beyond.has(deliveryTag)) return false;
      this.beyond.add(deliveryTag);
      return true;
    });
    while (this.beyond.delete(this.floor + 1)) this.floor++;
    // "All up to" must name one that the server still waits for, or it closes the channel.
    let last: T | undefined;
    for (const delivery of fresh) {
      const { deliveryTag } = delivery.fields;
      if (deliveryTag > this.floor) this.channel.ack(delivery as Delivery as ConsumeMessage);
      else if (last === undefined || deliveryTag > last.fields.deliveryTag) last = delivery;
    }
    if (last !== undefined) this.channel.ack(last as Delivery as ConsumeMessage, true);
    return fresh;
  }
}
