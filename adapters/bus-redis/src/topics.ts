import type { NodeRef } from "@banyan/kernel/bus";
import type { Redis } from "ioredis";
import type { Envelope } from "./envelope.ts";

type Listener = (from: NodeRef, message: Uint8Array) => void;

/** Who listens to what. A channel is subscribed to by the first listener, and left by the last. */
export class Topics {
  private readonly redis: Redis;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(redis: Redis) {
    this.redis = redis;
  }

  get channels(): string[] {
    return [...this.listeners.keys()];
  }

  /** Without a connection it is a note for the next one. */
  subscribe(channel: string, listener: Listener): () => void {
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners.add(listener));
    if (listeners.size === 1) this.redis.subscribe(channel).catch(() => {});
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.listeners.delete(channel);
      this.redis.unsubscribe(channel).catch(() => {});
    };
  }

  heard(channel: string, { sender, content }: Envelope): void {
    for (const listener of this.listeners.get(channel) ?? []) listener({ id: sender, address: "" }, content);
  }
}
