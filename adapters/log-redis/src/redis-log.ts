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
import { redisOptions } from "@banyan/redis-client";
import { Redis } from "ioredis";
import { Consumer } from "./consumer.ts";
import { inspect } from "./inspection.ts";
import type { RedisLogOptions } from "./options.ts";
import { Server } from "./server.ts";
import { messageBytesMax, Session } from "./session.ts";

/** A log over Redis Streams, with the connection beneath it for whatever else one wants of Redis. */
export interface RedisLog extends Log {
  /** The client's own connection, not those that wait for messages. Only while the log is open, which alone may close it. */
  unwrap(): Redis;
}

/**
 * Keeps messages in one stream of Redis, all in one order. Connects at `open`, and again by itself. Redis 7 or newer, one server
 * with or without replicas; a fail-over to a replica may lose what was appended last. Throws where the options make no sense.
 */
export function createRedisLog(options: RedisLogOptions): RedisLog {
  return new RedisStreams(options);
}

const defaultHorizonMs = 86_400_000;

class RedisStreams implements RedisLog {
  readonly server = { name: "Redis", ping: () => this.opened().server.redis.ping() };
  private readonly options: RedisLogOptions;
  private readonly stream: string;
  private readonly consumers = new Set<Consumer>();
  private session: Session | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: RedisLogOptions) {
    redisOptions(options);
    this.stream = `${options.namespace ?? "banyan"}:log`;
    this.options = options;
  }

  get traits(): LogTraits {
    return {
      durable: this.session?.writesFile ? "server" : "no",
      replayable: true,
      partitioned: false,
      delayed: false,
      messageBytesMax,
    };
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.session !== null) throw new Error("a log is opened once");
    const { stream, options } = this;
    const connect = (more: { readonly retryStrategy?: () => null } = {}) =>
      new Server(new Redis(options.url, { ...redisOptions(options), connectionName: stream, ...more }));
    const server = connect();
    await server.connect(signal);
    try {
      const { writesFile } = await inspect(server, stream);
      const another = () => connect({ retryStrategy: () => null });
      const { horizonMs = defaultHorizonMs } = options;
      this.session = new Session({ server, another, stream, writesFile, horizonMs });
    } catch (error) {
      server.close();
      signal.throwIfAborted();
      throw error;
    }
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    return this.opened().queue.append(messages);
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
    return this.opened().read(options);
  }

  lag(group: LogGroup): Promise<number> {
    return this.opened().lag(group);
  }

  unwrap(): Redis {
    return this.opened().server.redis;
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.end(deadlineMs);
    return this.closing;
  }

  /** What waits is sent as far as there is time, and the places of the groups are written. */
  private async end(deadlineMs: number): Promise<void> {
    const { session, consumers } = this;
    if (session === null) return;
    const done = Promise.all([session.queue.idle(), ...[...consumers].map((consumer) => consumer.close())]);
    await Promise.race([done, delay(deadlineMs, undefined, { ref: false })]);
    session.server.close();
  }

  private opened(): Session {
    if (this.session === null) throw new Error("the log is not open");
    return this.session;
  }
}
