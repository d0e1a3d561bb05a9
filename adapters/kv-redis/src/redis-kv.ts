import { type KeyValues, type Kv, type KvTraits, kvAnswerMs, kvFaults } from "@banyan/kernel/kv";
import { type RedisServer, redisOptions } from "@banyan/redis-client";
import { Redis } from "ioredis";
import { asked } from "./asked.ts";
import { Listening } from "./listening.ts";
import { RedisSpace } from "./redis-space.ts";

/** How to reach Redis. */
export interface RedisKvOptions extends RedisServer {
  /** The first part of every key and channel. Applications that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
}

/** Keys and values in Redis, with the connection beneath them. */
export interface RedisKv extends Kv {
  /** The connection for everything but subscriptions. */
  unwrap(): Redis;
}

/** Of Redis' errors: a user who may not, or is none. */
const mayNot = /^(WRONGPASS|NOAUTH|NOPERM)/;

/**
 * Keeps keys and values in Redis 7 or newer, or Valkey: one server, with or without replicas. Connects at `open`, and again by itself.
 * Throws where the options make no sense.
 */
export function createRedisKv(options: RedisKvOptions): RedisKv {
  return new RedisKeyValues(options);
}

class RedisKeyValues implements RedisKv {
  readonly server = { name: "Redis", ping: () => this.redis.ping() };
  readonly traits: KvTraits = { durable: "no", messageBytesMax: 1_000_000 };
  private readonly redis: Redis;
  private readonly listening: Listening;
  private readonly prefix: string;
  /** What the client said last of its connections. */
  private lastError: Error | undefined;

  constructor({ namespace = "banyan", ...server }: RedisKvOptions) {
    this.prefix = `${namespace}:kv`;
    const connect = () =>
      new Redis(server.url, {
        // A server that says nothing loses its connection: what comes behind then fails at once, and does not wait as well.
        socketTimeout: kvAnswerMs,
        connectionName: this.prefix,
        ...redisOptions(server),
        maxRetriesPerRequest: 0,
      }).on("error", (error) => {
        this.lastError = error;
      });
    this.redis = connect();
    this.listening = new Listening(connect());
  }

  unwrap(): Redis {
    return this.redis;
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    try {
      await asked(() => Promise.all([this.redis.connect(), this.listening.open()]));
    } catch (error) {
      this.disconnect();
      const { message } = this.lastError ?? {};
      if (message === undefined || !mayNot.test(message)) throw error;
      throw kvFaults.misconfigured({ reason: `Redis does not let us in: ${message}` });
    }
  }

  space(name: string): KeyValues {
    return new RedisSpace(this.redis, this.listening, `${this.prefix}:${name}`);
  }

  async close(): Promise<void> {
    this.disconnect();
  }

  private disconnect(): void {
    this.redis.disconnect();
    this.listening.close();
  }
}
