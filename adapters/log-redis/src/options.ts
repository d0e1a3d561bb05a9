import { shownUrl } from "@banyan/kernel/log";
import type { RedisOptions } from "ioredis";

/** How to reach Redis, and how long its stream is kept. */
export interface RedisLogOptions {
  /** "redis://host:6379/0", or "rediss://…" for TLS; the number is the database's. `user:password@` is used. */
  readonly url: string;
  /** Certificates of ours and of whom to trust. */
  readonly tls?: RedisOptions["tls"];
  readonly username?: string;
  readonly password?: string;
  /** The first part of every key. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** How long messages are kept that every group has acknowledged, in milliseconds: they lie in memory. Default one day. */
  readonly horizonMs?: number;
  /** Anything else that ioredis takes. */
  readonly engine?: Omit<RedisOptions, Ours | "host" | "port" | "path" | "tls" | "username" | "password">;
}

/** What the log must decide. */
type Ours =
  | "protocol"
  | "replyMapping"
  | "lazyConnect"
  | "enableOfflineQueue"
  | "enableReadyCheck"
  | "autoResendUnfulfilledCommands";

/** Nothing waits for a connection that is away, and nothing is sent twice: what to append again is the caller's to know. */
export function connectionOptions(options: RedisLogOptions): RedisOptions & { replyMapping: "legacy" } {
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
    // A server that is still loading its files lets nobody in.
    enableReadyCheck: true,
    autoResendUnfulfilledCommands: false,
  };
}
