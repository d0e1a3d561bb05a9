import { shownUrl } from "@banyan/kernel/bus";
import { credsAuthenticator, type NodeConnectionOptions, type TlsOptions } from "@nats-io/transport-node";

/** Which NATS, and who comes to it. */
export interface NatsServer {
  /** "nats://host:4222", or "tls://…" to insist on TLS; several of one cluster as a list. `user:password@` and `token@` are used. */
  readonly url: string | readonly string[];
  /** Certificates of ours and of whom to trust. */
  readonly tls?: TlsOptions;
  /** What is in a `.creds` file: a user's JWT and its seed. */
  readonly credentials?: string;
  /** Anything else that the client of NATS takes. */
  readonly engine?: Omit<NodeConnectionOptions, "servers" | "tls" | "reconnect" | "maxReconnectAttempts" | "debug">;
}

/**
 * What the client needs to connect, and then to stay: it goes on trying for ever, refusals of a user included, since a
 * server that is being set up refuses too. A server that answers no PING for 4 to 6 s is left: TCP alone does not tell
 * when a machine is gone or a process is stopped. Throws where `url` is none.
 */
export function natsOptions({ url, tls, credentials, engine }: NatsServer): NodeConnectionOptions {
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
