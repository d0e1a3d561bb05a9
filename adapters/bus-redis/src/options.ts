import type { RedisServer } from "@banyan/redis-client";

/** How to reach Redis, whichever of its databases, and under which name the nodes of one system find each other there. */
export interface RedisBusOptions extends RedisServer {
  /** The first part of every channel. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** Bytes that the server has not yet taken, above which `send` answers false. Default 4 MiB. */
  readonly unconfirmedBytesMax?: number;
  /** A PING that Redis has not answered for so long means that it is gone. Default 2,000. */
  readonly pingMs?: number;
}
