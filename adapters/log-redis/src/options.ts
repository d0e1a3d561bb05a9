import type { RedisServer } from "@banyan/redis-client";

/** How to reach Redis, and how long its stream is kept. */
export interface RedisLogOptions extends RedisServer {
  /** The first part of every key. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** How long messages are kept that every group has acknowledged, in milliseconds: they lie in memory. Default one day. */
  readonly horizonMs?: number;
}
