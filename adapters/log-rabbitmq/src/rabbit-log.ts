import {
  type ConsumeOptions,
  type Log,
  type LogConsumer,
  type LogGroup,
  type LogMessage,
  type LogReceiver,
  type LogTraits,
  logFaults,
  type ReadOptions,
} from "@banyan/kernel/log";
import type { ChannelModel } from "amqplib";
import { Consumer } from "./consumer.ts";
import { Link } from "./link.ts";
import { Names } from "./names.ts";
import { addressesOf, type RabbitLogOptions } from "./options.ts";
import { Topology } from "./topology.ts";
import { Writer } from "./writer.ts";

/** A log over RabbitMQ, with the connection beneath it for whatever else one wants of RabbitMQ. */
export interface RabbitLog extends Log {
  /** The client's connection that messages are appended over. Only while the log is open, which alone may close it. */
  unwrap(): Promise<ChannelModel>;
}

/**
 * Keeps messages in RabbitMQ 3.10 or newer: each group has a quorum queue, which its types are bound to, and nothing is resolved
 * before every such queue has it on disk (publisher confirms). What is acknowledged is gone: it cannot be read again.
 *
 * Messages of a type that no group takes are kept in a stream, for a time: a group that begins "earliest" has those first. It
 * does not get what only others took before it was there. RabbitMQ does not sync streams: they survive its process, and a
 * machine's power only where replicas do. A group whose queue is there gets nothing from the stream.
 *
 * `lag` counts what waits in the queue and what consumers of this client hold, not what one in another process holds.
 * Throws where the options make no sense.
 */
export function createRabbitLog(options: RabbitLogOptions): RabbitLog {
  return new Rabbit(options);
}

class Rabbit implements RabbitLog {
  readonly traits: LogTraits;
  readonly server = {
    name: "RabbitMQ",
    ping: async () => {
      const channel = await (await this.writing.connection()).createChannel();
      await channel.close();
    },
  };
  private readonly topology: Topology;
  /** Two connections, since RabbitMQ stops reading from one that publishes more than it can take, acknowledgements included. */
  private readonly writing: Link;
  private readonly reading: Link;
  private readonly writer: Writer;
  private readonly consumers = new Set<Consumer>();
  private closing: Promise<void> | null = null;

  constructor(options: RabbitLogOptions) {
    const addresses = addressesOf(options);
    this.traits = {
      durable: "disk",
      replayable: false,
      partitioned: false,
      delayed: false,
      messageBytesMax: options.messageBytesMax ?? 1_048_576,
    };
    this.topology = new Topology(new Names(options.namespace ?? "banyan"), options);
    this.writing = new Link(addresses);
    this.reading = new Link(addresses);
    this.writer = new Writer(this.writing, this.topology, options.appendMs ?? 5_000);
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.writer.open(), aborted]);
    } catch (cause) {
      this.writing.abandon();
      throw cause;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async append(messages: readonly LogMessage[]): Promise<void> {
    const { messageBytesMax } = this.traits;
    const large = messages.findIndex(({ body }) => body.length > messageBytesMax);
    const kept = large < 0 ? messages : messages.slice(0, large);
    if (kept.length > 0) await this.writer.append(kept);
    const refused = messages[large];
    if (refused) throw logFaults.refused({ id: refused.id, reason: `it has more than ${messageBytesMax} bytes` });
  }

  async consume(group: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer> {
    const { topology, reading, consumers } = this;
    const consumer = new Consumer({
      link: reading,
      topology,
      group,
      receiver,
      onClose: () => consumers.delete(consumer),
    });
    await consumer.open();
    consumers.add(consumer);
    return consumer;
  }

  // biome-ignore lint/correctness/useYield: there is nothing to read
  async *read(_options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    throw new Error("RabbitMQ keeps nothing that was acknowledged: this log is not replayable");
  }

  async lag({ name }: LogGroup): Promise<number> {
    const ready = await this.topology.ready(await this.reading.connection(), name);
    const held = [...this.consumers].filter(({ group }) => group === name).map(({ unacknowledged }) => unacknowledged);
    return held.reduce((sum, count) => sum + count, ready);
  }

  unwrap(): Promise<ChannelModel> {
    return this.writing.connection();
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.end(deadlineMs);
    return this.closing;
  }

  private async end(deadlineMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    const ending = async () => {
      await Promise.all([this.writer.idle(), ...[...this.consumers].map((consumer) => consumer.close())]);
      await Promise.all([this.writing.close(), this.reading.close()]);
    };
    await Promise.race([ending(), late]);
    clearTimeout(timer);
    void this.writing.close();
    void this.reading.close();
  }
}
