import { setTimeout as delay } from "node:timers/promises";
import type {
  ConsumeOptions,
  Log,
  LogConsumer,
  LogGroup,
  LogMessage,
  LogReceiver,
  LogTraits,
  ReadOptions,
} from "@banyan/kernel/log";
import { natsOptions } from "@banyan/nats-client";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { Consumer } from "./consumer.ts";
import { Link } from "./link.ts";
import { headerBytesMax } from "./message.ts";
import { Names } from "./names.ts";
import type { JetStreamLogOptions } from "./options.ts";
import { readStream } from "./read.ts";
import { messageBytesMax, Session } from "./session.ts";
import { prepareStreams } from "./streams.ts";

/** A log over JetStream, with the connection beneath it for whatever else one wants of NATS. */
export interface JetStreamLog extends Log {
  /** The client's own connection. Only while the log is open, which alone may close it. */
  unwrap(): NatsConnection;
}

/**
 * Keeps messages in a stream of JetStream, all in one order, and the places of its groups in a bucket beside it. Connects at
 * `open`, and again by itself. nats-server 2.12 or newer. Throws where the options make no sense.
 */
export function createJetStreamLog(options: JetStreamLogOptions): JetStreamLog {
  return new JetStream(options);
}

class JetStream implements JetStreamLog {
  readonly server = { name: "JetStream", ping: () => this.opened().link.connection.rtt() };
  private readonly options: JetStreamLogOptions;
  private readonly names: Names;
  private readonly consumers = new Set<Consumer>();
  private session: Session | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: JetStreamLogOptions) {
    natsOptions(options);
    this.names = new Names(options.namespace ?? "banyan");
    this.options = options;
  }

  get traits(): LogTraits {
    return {
      durable: this.options.isSyncedAlways ? "disk" : "server",
      replayable: true,
      partitioned: false,
      delayed: false,
      messageBytesMax: this.session?.bodyBytesMax ?? messageBytesMax - headerBytesMax,
    };
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.session !== null) throw new Error("a log is opened once");
    const { names, options } = this;
    const link = await Link.open({ name: names.stream, ...natsOptions(options) }, signal);
    try {
      const manager = await link.whileUp(() => jetstreamManager(link.connection, { checkAPI: false }));
      const stream = await prepareStreams(manager, { names, ...(options.stream && { stream: options.stream }) });
      this.session = new Session({ link, manager, names, stream, inboxPrefix: options.engine?.inboxPrefix });
    } catch (error) {
      await link.close(0);
      signal.throwIfAborted();
      throw error;
    }
  }

  async append(messages: readonly LogMessage[]): Promise<void> {
    await this.opened().queue.append(messages);
  }

  async consume(options: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer> {
    const { consumers } = this;
    const onClose = () => void consumers.delete(consumer);
    const consumer: Consumer = new Consumer(this.opened(), { ...options, onClose }, receiver);
    await consumer.begin();
    consumers.add(consumer);
    return consumer;
  }

  read(options: ReadOptions): AsyncIterable<readonly LogMessage[]> {
    return readStream(this.opened(), options);
  }

  lag(group: LogGroup): Promise<number> {
    return this.opened().lag(group);
  }

  unwrap(): NatsConnection {
    return this.opened().link.connection;
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.end(deadlineMs);
    return this.closing;
  }

  /** What waits is sent as far as there is time, and the places of the groups are written. */
  private async end(deadlineMs: number): Promise<void> {
    const { session, consumers } = this;
    if (session === null) return;
    const endMs = performance.now() + deadlineMs;
    const done = Promise.all([session.queue.idle(), ...[...consumers].map((consumer) => consumer.close())]);
    await Promise.race([done, delay(deadlineMs, undefined, { ref: false })]);
    await session.link.close(Math.max(0, endMs - performance.now()));
  }

  private opened(): Session {
    if (this.session === null) throw new Error("the log is not open");
    return this.session;
  }
}
