import { shownUrl } from "@banyan/kernel/bus";
import type { RedisOptions } from "ioredis";

/** How to reach Redis, and under which name the nodes of one system find each other there. */
export interface RedisBusOptions {
  /** "redis://host:6379", or "rediss://…" for TLS. `user:password@` is used; which database is of no matter to pub/sub. */
  readonly url: string;
  /** Certificates of ours and of whom to trust. */
  readonly tls?: RedisOptions["tls"];
  readonly username?: string;
  readonly password?: string;
  /** The first part of every channel. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** Bytes that the server has not yet taken, above which `send` answers false. Default 4 MiB. */
  readonly unconfirmedBytesMax?: number;
  /** A PING that Redis has not answered for so long means that it is gone. Default 2,000. */
  readonly pingMs?: number;
  /** Anything else that ioredis takes. */
  readonly engine?: Omit<RedisOptions, Ours | "host" | "port" | "path" | "tls" | "username" | "password">;
}

/** What the bus must decide. */
type Ours =
  | "protocol"
  | "replyMapping"
  | "lazyConnect"
  | "enableOfflineQueue"
  | "autoResendUnfulfilledCommands"
  | "autoResubscribe";

/**
 * One connection in RESP3 (Redis 6 or newer), which publishes and hears at once. Nothing waits for a connection that is away,
 * and nothing is sent twice: what to try again is the kernel's to know.
 */
export function connectionOptions(options: RedisBusOptions): RedisOptions & { replyMapping: "legacy" } {
  const { url, tls, username, password, engine } = options;
  const { protocol, hostname } = URL.parse(url) ?? {};
  if ((protocol !== "redis:" && protocol !== "rediss:") || !hostname) {
    const shown = shownUrl(url);
    throw new Error(`"${shown}" is no address of Redis; write redis://host:6379 or rediss://host:6379`);
  }
  return {
    connectTimeout: 5_000,
    retryStrategy: () => 100 + Math.random() * 250,
    ...(tls !== undefined && { tls }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...engine,
    protocol: 3,
    replyMapping: "legacy",
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  };
}
