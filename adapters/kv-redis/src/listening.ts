import type { Redis } from "ioredis";

type Listener = (message: string) => void;

/** The connection that hears of channels; ioredis subscribes again by itself after it broke. */
export class Listening {
  private readonly redis: Redis;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(connect: () => Redis) {
    this.redis = connect();
    this.redis.on("error", () => {});
    this.redis.on("message", (channel: string, message: string) => {
      for (const listener of this.listeners.get(channel) ?? []) listener(message);
    });
  }

  open(): Promise<void> {
    return this.redis.connect();
  }

  async add(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners);
    // Each who subscribes has a listener of its own, though it be the same function.
    const own: Listener = (message) => listener(message);
    listeners.add(own);
    await this.redis.subscribe(channel);
    return async () => {
      listeners.delete(own);
      if (listeners.size > 0 || !this.listeners.delete(channel)) return;
      // A connection that is away forgets by itself.
      await this.redis.unsubscribe(channel).catch(() => {});
    };
  }

  close(): void {
    this.redis.disconnect();
  }
}
