import { Listeners } from "@banyan/kernel/kv";
import type { Redis } from "ioredis";
import { asked } from "./asked.ts";

/** The connection that hears of channels, and subscribes to all of them again whenever it is made anew. */
export class Listening {
  private readonly redis: Redis;
  private readonly listeners = new Listeners();

  constructor(redis: Redis) {
    this.redis = redis;
    redis.on("message", (channel: string, message: string) => this.listeners.hear(channel, message));
    redis.on("ready", () => void this.hearAgain());
  }

  open(): Promise<void> {
    return this.redis.connect();
  }

  async add(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const leave = this.listeners.add(channel, listener);
    try {
      await asked(() => this.redis.subscribe(channel));
    } catch (error) {
      leave();
      throw error;
    }
    return async () => {
      // A connection that is away forgets by itself.
      if (leave()) await this.redis.unsubscribe(channel).catch(() => {});
    };
  }

  close(): void {
    this.redis.disconnect();
  }

  /** The client would do so by itself, once: a connection that breaks meanwhile would be deaf from then on. */
  private async hearAgain(): Promise<void> {
    const { channels } = this.listeners;
    if (channels.length === 0) return;
    const isHearing = await this.redis.subscribe(...channels).then(
      () => true,
      () => false,
    );
    if (!isHearing && this.redis.status === "ready") this.redis.disconnect(true);
  }
}
