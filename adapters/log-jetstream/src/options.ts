import { shownUrl } from "@banyan/kernel/log";
import { credsAuthenticator, type NodeConnectionOptions, type TlsOptions } from "@nats-io/transport-node";

/** How to reach JetStream, and what the log is made like where it is not there yet. */
export interface JetStreamLogOptions {
  /** "nats://host:4222", or "tls://…" to insist on TLS; several of one cluster as a list. `user:password@` and `token@` are used. */
  readonly url: string | readonly string[];
  /** Certificates of ours and of whom to trust. */
  readonly tls?: TlsOptions;
  /** What is in a `.creds` file: a user's JWT and its seed. */
  readonly credentials?: string;
  /** The first part of the names of streams, and the first token of subjects. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** What a new stream is made like; one that is there is left as its operator has set it. */
  readonly stream?: {
    /** How long messages are kept, whoever has read them, in milliseconds; 0 for ever. Default seven days. */
    readonly horizonMs?: number;
    /** On how many servers of a cluster. Default 1. */
    readonly replicas?: number;
    /** Above so many bytes `append` is refused until the oldest have passed the horizon. Default: as much as the disk has. */
    readonly bytesMax?: number;
    /** How long the server knows ids again, and stores a message of the same id once, in milliseconds. Default 120,000. */
    readonly duplicateWindowMs?: number;
  };
  /** The server has `sync_interval: always`, which no client can see: `traits.durable` is "disk". Default false. */
  readonly isSyncedAlways?: boolean;
  /** Anything else that the client of NATS takes. */
  readonly engine?: Omit<NodeConnectionOptions, "servers" | "tls" | "reconnect" | "maxReconnectAttempts" | "debug">;
}

/** What the client needs to connect, and then to stay: it goes on trying for ever, and leaves a server that answers no PING for 4 to 6 s. */
export function connectionOptions({ url, tls, credentials, engine }: JetStreamLogOptions): NodeConnectionOptions {
  const urls = (typeof url === "string" ? url.split(",") : url).map(parse);
  const [{ username, password }] = urls as [URL, ...URL[]];
  const insists = tls !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  return {
    timeout: 5_000,
    pingInterval: 2_000,
    maxPingOut: 2,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    reconnectJitterTLS: 250,
    ignoreAuthErrorAbort: true,
    ...(password === "" && username !== "" && { token: decodeURIComponent(username) }),
    ...(password !== "" && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    ...(insists && { tls: tls ?? {} }),
    ...engine,
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`),
    reconnect: true,
    maxReconnectAttempts: -1,
  };
}

function parse(url: string): URL {
  const parsed = URL.parse(url.trim());
  if (parsed === null || !["nats:", "tls:"].includes(parsed.protocol) || parsed.hostname === "")
    throw new Error(`"${shownUrl(url)}" is no address of NATS; write nats://host:4222 or tls://host:4222`);
  return parsed;
}
