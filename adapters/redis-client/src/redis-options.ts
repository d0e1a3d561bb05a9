import { shownUrl } from "@banyan/kernel/bus";
import type { RedisOptions } from "ioredis";

/** Which Redis, and who comes to it. */
export interface RedisServer {
  /** "redis://host:6379/0", or "rediss://…" for TLS; the number is the database's. `user:password@` is used. */
  readonly url: string;
  /** Certificates of ours and of whom to trust. */
  readonly tls?: RedisOptions["tls"];
  readonly username?: string;
  readonly password?: string;
  /** Anything else that ioredis takes. */
  readonly engine?: Omit<RedisOptions, Ours | "host" | "port" | "path" | "tls" | "username" | "password">;
}

/** What an adapter must decide. */
type Ours =
  | "protocol"
  | "replyMapping"
  | "lazyConnect"
  | "enableOfflineQueue"
  | "enableReadyCheck"
  | "autoResendUnfulfilledCommands"
  | "autoResubscribe";

/**
 * One connection in RESP3 (Redis 6 or newer). Nothing waits for a connection that is away, and nothing is sent twice: what to try again
 * is the caller's to know. Throws where `url` is none.
 */
export function redisOptions({
  url,
  tls,
  username,
  password,
  engine,
}: RedisServer): RedisOptions & { replyMapping: "legacy" } {
  const { protocol, hostname } = URL.parse(url) ?? {};
  if ((protocol !== "redis:" && protocol !== "rediss:") || !hostname) {
    throw new Error(`"${shownUrl(url)}" is no address of Redis; write redis://host:6379 or rediss://host:6379`);
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
    // A server that is still loading its files lets nobody in.
    enableReadyCheck: true,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  };
}
