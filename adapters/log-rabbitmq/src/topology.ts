import type { ConsumeOptions, LogReceiver } from "@banyan/kernel/log";
import type { Channel, ChannelModel } from "amqplib";
import { faultOf, replyCodeOf } from "./faults.ts";
import type { Names } from "./names.ts";
import type { RabbitLogOptions } from "./options.ts";

const day = 86_400_000;
const unclaimedSegmentBytes = 64 * 1024 * 1024;

/** What AMQP has room for; 0 would be no bound at all. */
const prefetchMax = 65_535;

/** A group's consumer, and where it takes part. */
export interface Membership {
  readonly topology: Topology;
  readonly group: ConsumeOptions;
  readonly receiver: LogReceiver;
}

/**
 * What the log is made of at the server. Every message goes to one exchange and from there to the quorum queue of each group
 * that takes its type. Where no group does, the exchange hands it to its alternate, and that to a stream, which new groups
 * copy from: a queue would give it to the first of them only. Everything is declared again on each new connection.
 */
export class Topology {
  readonly names: Names;
  private readonly options: RabbitLogOptions;

  constructor(names: Names, options: RabbitLogOptions) {
    const { prefetch = prefetchMax } = options;
    if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > prefetchMax)
      throw new Error(`${prefetch} is no prefetch: a whole number from 1 to ${prefetchMax}`);
    this.names = names;
    this.options = options;
  }

  /** How many messages the server sends a group's consumer ahead of its acknowledgements. */
  prefetch({ inFlightMax }: ConsumeOptions): number {
    return Math.min(inFlightMax, this.options.prefetch ?? prefetchMax);
  }

  /** What every message needs. Raises `log.misconfigured` where something else is there under our names. */
  async declare(channel: Channel): Promise<void> {
    const { events, unclaimed } = this.names;
    const { horizonMs = 7 * day, bytesMax = 1024 ** 3 } = this.options.unclaimed ?? {};
    const kept = {
      "x-queue-type": "stream",
      "x-max-age": `${Math.ceil(horizonMs / 1_000)}s`,
      "x-max-length-bytes": bytesMax,
      "x-stream-max-segment-size-bytes": unclaimedSegmentBytes,
    };
    await attempt(async () => {
      await channel.assertQueue(unclaimed, { durable: true, arguments: kept });
      await channel.assertExchange(unclaimed, "fanout", { durable: true });
      await channel.bindQueue(unclaimed, unclaimed, "");
      await channel.assertExchange(events, "topic", { durable: true, alternateExchange: unclaimed });
    });
  }

  /**
   * A group's queue, bound by its types. Answers whether its history is yet to be copied: that is known before the queue
   * exists, so that a death in between forgets nothing.
   */
  async join(connection: ChannelModel, channel: Channel, group: ConsumeOptions): Promise<boolean> {
    const [queue, behind] = [this.names.queue(group.name), this.names.behind(group.name)];
    return attempt(async () => {
      const isNew = !(await isThere(connection, (scratch) => scratch.checkQueue(queue)));
      if (isNew && group.from === "earliest") await channel.assertExchange(behind, "fanout", { durable: true });
      await this.declareQueue(channel, queue);
      await Promise.all(group.types.map((type) => channel.bindQueue(queue, this.names.events, type)));
      return isThere(connection, (scratch) => scratch.checkExchange(behind));
    });
  }

  /** The history of a group, and nothing in it. */
  async beginHistory(channel: Channel, group: string): Promise<void> {
    await channel.deleteQueue(this.names.history(group));
    await this.declareQueue(channel, this.names.history(group));
  }

  hasHistory(connection: ChannelModel, group: string): Promise<boolean> {
    return isThere(connection, (scratch) => scratch.checkQueue(this.names.history(group)));
  }

  /** How many messages wait for a group; 0 where there is none. */
  async ready(connection: ChannelModel, group: string): Promise<number> {
    let count = 0;
    await isThere(connection, async (scratch) => {
      count += (await scratch.checkQueue(this.names.queue(group))).messageCount;
      // The fence is none.
      count += Math.max(0, (await scratch.checkQueue(this.names.history(group))).messageCount - 1);
    });
    return count;
  }

  /**
   * A single consumer is active: one that takes over gets nothing before what the last one held came back. The kernel counts
   * attempts; from RabbitMQ 4.0 on, a queue would throw away what it has delivered twenty times.
   */
  private async declareQueue(channel: Channel, queue: string): Promise<void> {
    const isUnlimited = Number.parseInt(channel.connection.serverProperties.version, 10) < 4;
    const args = {
      "x-queue-type": "quorum",
      "x-single-active-consumer": true,
      ...(!isUnlimited && { "x-delivery-limit": -1 }),
      ...this.options.queueArguments,
    };
    await channel.assertQueue(queue, { durable: true, arguments: args });
  }
}

/** To ask for what is not there costs the channel, hence one of its own. */
async function isThere(connection: ChannelModel, check: (scratch: Channel) => Promise<unknown>): Promise<boolean> {
  const scratch = (await connection.createChannel()).on("error", () => {});
  try {
    await check(scratch);
    await scratch.close();
    return true;
  } catch (error) {
    if (replyCodeOf(error) === 404) return false;
    throw error;
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw faultOf(cause);
  }
}
