import { type KeyValues, type Kv, type KvTraits, kvAnswerMs, kvFaults, shownUrl } from "@banyan/kernel/kv";
import { Redis, type RedisOptions } from "ioredis";
import { asked } from "./asked.ts";
import { Listening } from "./listening.ts";
import { RedisSpace } from "./redis-space.ts";

/** How to reach Redis. */
export interface RedisKvOptions {
  /** "redis://user:password@host:6379/0", or "rediss://…" for TLS; the number is the database's. */
  readonly url: string;
  /** The first part of every key and channel. Applications that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** Anything else that ioredis takes. */
  readonly engine?: Omit<RedisOptions, "protocol" | "replyMapping" | "lazyConnect" | "enableOfflineQueue">;
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

  constructor({ url, namespace = "banyan", engine }: RedisKvOptions) {
    const { protocol, hostname } = URL.parse(url) ?? {};
    if ((protocol !== "redis:" && protocol !== "rediss:") || !hostname) {
      const shown = shownUrl(url);
      throw new Error(`"${shown}" is no address of Redis; write redis://host:6379 or rediss://host:6379`);
    }
    this.prefix = `${namespace}:kv`;
    const connect = () =>
      new Redis(url, {
        connectTimeout: kvAnswerMs,
        // A server that says nothing loses its connection: what comes behind then fails at once, and does not wait as well.
        socketTimeout: kvAnswerMs,
        retryStrategy: () => 100 + Math.random() * 250,
        connectionName: this.prefix,
        ...engine,
        lazyConnect: true,
        // What cannot be asked now is told so, and is not done later.
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        autoResubscribe: false,
        protocol: 3,
        replyMapping: "legacy",
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
