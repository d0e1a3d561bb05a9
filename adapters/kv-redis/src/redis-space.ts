import { randomUUID } from "node:crypto";
import { type Bucket, type KeyValues, kvFaults, type Lock, type Standing } from "@banyan/kernel/kv";
import type { Redis } from "ioredis";
import { asked } from "./asked.ts";
import type { Listening } from "./listening.ts";
import * as scripts from "./scripts.ts";

const messageBytesMax = 1_000_000;

/** Keys of one space: `<prefix>:<kind>:<key>`. */
export class RedisSpace implements KeyValues {
  private readonly redis: Redis;
  private readonly listening: Listening;
  private readonly prefix: string;

  constructor(redis: Redis, listening: Listening, prefix: string) {
    this.redis = redis;
    this.listening = listening;
    this.prefix = prefix;
  }

  async get(key: string): Promise<string | undefined> {
    return (await asked(() => this.redis.get(this.name("value", key)))) ?? undefined;
  }

  async set(key: string, value: string, options: Parameters<KeyValues["set"]>[2] = {}): Promise<boolean> {
    const { ttlMs, ifAbsent = false } = options;
    const words = [...(ttlMs === undefined ? [] : ["PX", Math.ceil(ttlMs)]), ...(ifAbsent ? ["NX"] : [])];
    const answer = await asked(() => this.redis.call("SET", this.name("value", key), value, ...words));
    return answer !== null;
  }

  async delete(key: string): Promise<boolean> {
    return (await asked(() => this.redis.del(this.name("value", key)))) === 1;
  }

  async count(key: string, by: number, { ttlMs = 0 }: { readonly ttlMs?: number } = {}): Promise<number> {
    return Number(await this.run(scripts.count, [this.name("count", key)], [by, Math.ceil(ttlMs)]));
  }

  async take(key: string, tokens: number, { capacity, perSecond }: Bucket): Promise<number> {
    return Number(await this.run(scripts.take, [this.name("bucket", key)], [tokens, capacity, perSecond]));
  }

  async lock(key: string, { ttlMs }: { readonly ttlMs: number }): Promise<Lock | undefined> {
    const name = this.name("lock", key);
    const holder = randomUUID();
    const fence = await this.run(scripts.lock, [name, this.name("fence", key)], [holder, Math.ceil(ttlMs)]);
    if (fence === null) return undefined;
    return {
      fence: Number(fence),
      extend: async (longerMs) => (await this.run(scripts.extend, [name], [holder, Math.ceil(longerMs)])) === 1,
      release: async () => (await this.run(scripts.release, [name], [holder])) === 1,
    };
  }

  async score(board: string, member: string, by: number): Promise<number> {
    return Number(await asked(() => this.redis.zincrby(this.name("board", board), by, member)));
  }

  async top(board: string, limit: number): Promise<Standing[]> {
    const words = await asked(() =>
      this.redis.call("ZREVRANGE", this.name("board", board), 0, limit - 1, "WITHSCORES"),
    );
    const flat = (words as unknown[]).flat();
    return flat.flatMap((word, at) => (at % 2 === 0 ? [{ member: String(word), score: Number(flat[at + 1]) }] : []));
  }

  async rank(board: string, member: string): Promise<number | undefined> {
    const before = await asked(() => this.redis.zrevrank(this.name("board", board), member));
    return before === null ? undefined : Number(before) + 1;
  }

  async publish(channel: string, message: string): Promise<void> {
    if (Buffer.byteLength(message) > messageBytesMax) throw kvFaults.tooLarge({ bytesMax: messageBytesMax });
    await asked(() => this.redis.publish(this.name("channel", channel), message));
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    return this.listening.add(this.name("channel", channel), listener);
  }

  private run(script: string, keys: readonly string[], words: readonly (string | number)[]): Promise<unknown> {
    return asked(() => this.redis.eval(script, keys.length, ...keys, ...words));
  }

  private name(kind: string, key: string): string {
    return `${this.prefix}:${kind}:${key}`;
  }
}
