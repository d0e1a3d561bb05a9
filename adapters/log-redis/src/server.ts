import { logFaults } from "@banyan/kernel/log";
import { withoutCommand } from "@banyan/redis-client";
import type { Redis } from "ioredis";

/** Within so many milliseconds Redis answers, or it counts as gone. */
const answerWithinMs = 5_000;

/** One connection whose commands end in time. */
export class Server {
  readonly redis: Redis;
  /** What the client said last of its connection. */
  private lastError: Error | undefined;
  private readonly asking = new Set<(reason: Error) => void>();

  constructor(redis: Redis) {
    this.redis = redis;
    redis.on("error", (error) => {
      this.lastError = withoutCommand(error);
    });
    // The client leaves a transaction unanswered whose connection broke.
    redis.on("close", () => {
      for (const fail of this.asking) fail(this.lastError ?? new Error("the connection to Redis broke"));
    });
  }

  async connect(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.redis.connect(), aborted]);
    } catch (cause) {
      this.redis.disconnect();
      signal?.throwIfAborted();
      throw logFaults.unavailable(undefined, { cause: this.lastError ?? cause });
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * What a command comes to. Raises `log.unavailable` also where Redis is against it: it may be for it later. A server that
   * says nothing loses its connection, so that what comes behind does not wait as well; TCP alone does not tell of its end.
   */
  async ask<T>(command: (redis: Redis) => Promise<T>, withinMs = answerWithinMs): Promise<T> {
    const { promise: failed, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error("Redis does not answer"));
      this.redis.disconnect(true);
    }, withinMs);
    this.asking.add(reject);
    try {
      return await Promise.race([command(this.redis), failed]);
    } catch (cause) {
      throw logFaults.unavailable(undefined, { cause: withoutCommand(cause) });
    } finally {
      this.asking.delete(reject);
      clearTimeout(timer);
    }
  }

  /** Ends it; what was not answered fails. */
  close(): void {
    this.redis.disconnect();
  }
}
