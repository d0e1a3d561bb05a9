import { type Bus, type BusTraits, busFaults, type NodeRef, type Outgoing } from "@banyan/kernel/bus";
import { redisOptions } from "@banyan/redis-client";
import { Redis } from "ioredis";
import type { RedisBusOptions } from "./options.ts";
import { batchBytesMax, Session } from "./session.ts";

/** A bus over Redis, with the connection beneath it for whatever else one wants of Redis. */
export interface RedisBus extends Bus {
  /** The client's own connection. Only while the bus is open, which alone may close it. */
  unwrap(): Redis;
}

/**
 * Carries frames over the pub/sub of Redis: at most once, in order per pair of nodes, without groups. A batch is one PUBLISH on
 * its node's channel, and has failed where nobody heard it. Connects at `open`, and again by itself; meanwhile sending fails at
 * once, and every node is `lost`. For one server, with or without replicas: in a cluster PUBLISH cannot tell who heard it.
 * Throws where the options make no sense.
 */
export function createRedisBus(options: RedisBusOptions): RedisBus {
  return new RedisPubSub(options);
}

class RedisPubSub implements RedisBus {
  readonly address = "";
  readonly server = { name: "Redis", ping: () => this.opened().redis.ping() };
  readonly traits: BusTraits = { path: "broker", batchBytesMax, keepsBatches: true, groups: false };
  private readonly options: RedisBusOptions;
  private session: Session | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: RedisBusOptions) {
    redisOptions(options);
    this.options = options;
  }

  async open({ id, receiver, signal }: Parameters<Bus["open"]>[0]): Promise<void> {
    if (this.session !== null) throw new Error("a bus is opened once");
    signal.throwIfAborted();
    const redis = new Redis(this.options.url, { ...redisOptions(this.options), connectionName: id });
    const { namespace = "banyan", unconfirmedBytesMax = 4 * 1024 * 1024, pingMs = 2_000 } = this.options;
    const session = new Session({ redis, id, receiver, namespace, unconfirmedBytesMax, pingMs });
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([session.begin(), aborted]);
      this.session = session;
    } catch (cause) {
      redis.disconnect();
      signal.throwIfAborted();
      throw busFaults.unavailable(undefined, { cause: session.lastError ?? cause });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  send(to: NodeRef, batch: Outgoing): boolean {
    return this.opened().send(to, batch);
  }

  sendToGroup(): never {
    throw new Error("Redis has no groups");
  }

  join(): never {
    throw new Error("Redis has no groups");
  }

  publish(topic: string, message: Uint8Array, unheard?: () => void): void {
    this.opened().publish(topic, message, unheard);
  }

  subscribe(topic: string, listener: (from: NodeRef, message: Uint8Array) => void): () => void {
    return this.opened().subscribe(topic, listener);
  }

  forget(node: NodeRef): void {
    this.opened().forget(node);
  }

  unwrap(): Redis {
    return this.opened().redis;
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.session?.end(deadlineMs) ?? Promise.resolve();
    return this.closing;
  }

  private opened(): Session {
    if (this.session === null) throw new Error("the bus is not open");
    return this.session;
  }
}
