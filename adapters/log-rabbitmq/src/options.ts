import { shownUrl } from "@banyan/kernel/log";
import type { Options, SocketOptions } from "amqplib";

/** How to reach RabbitMQ, and what the log is made like where it is not there yet. */
export interface RabbitLogOptions {
  /** "amqp://user:password@host:5672/vhost", or "amqps://…" for TLS; several of one cluster as a list, tried in turn. */
  readonly url: string | readonly string[];
  /** Certificates of ours and of whom to trust. */
  readonly tls?: Pick<
    SocketOptions,
    "ca" | "cert" | "key" | "pfx" | "passphrase" | "servername" | "rejectUnauthorized"
  >;
  /** The first part of the names of exchanges and queues. Systems that share a virtual host must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** The largest `LogMessage.body`. Default 1 MiB; the server's own limit is 128 MiB or lower (`max_message_size`). */
  readonly messageBytesMax?: number;
  /**
   * How many messages RabbitMQ sends a consumer ahead of its acknowledgements, 65,535 at most. Quorum queues know no bound by bytes: so many
   * of the largest messages have to fit into memory. Default: as many as may be under way, which the kernel sets to 10,000.
   */
  readonly prefetch?: number;
  /** An append that the server has not confirmed for so long is given up. Default 5,000. */
  readonly appendMs?: number;
  /** What is kept for groups that do not exist yet. */
  readonly unclaimed?: {
    /** For how long, in milliseconds. Default seven days. The server forgets whole segments of 64 MiB: it may be longer. */
    readonly horizonMs?: number;
    /** The oldest goes when there are more bytes. Default 1 GiB. */
    readonly bytesMax?: number;
  };
  /** Arguments of a new group's queue besides ours: `{ "x-quorum-initial-group-size": 5 }`. */
  readonly queueArguments?: Readonly<Record<string, string | number | boolean>>;
  /** Anything else that amqplib takes. */
  readonly engine?: Omit<SocketOptions, "host" | "port" | "timeout">;
}

/** One server of the list, as the client wants it. */
export interface Address {
  readonly server: Options.Connect;
  readonly socket: SocketOptions;
}

/**
 * Who has sent nothing for two to three times these seconds is left, by either side: TCP alone does not tell when a machine is gone.
 * Less takes a busy server for a dead one. https://www.rabbitmq.com/docs/heartbeats#heartbeats-timeout
 */
const heartbeatSeconds = 5;

/** What the client needs to connect to each server of the list. */
export function addressesOf({ url, tls, engine, namespace = "banyan" }: RabbitLogOptions): readonly Address[] {
  const socket: SocketOptions = {
    noDelay: true,
    timeout: 4_000,
    clientProperties: { connection_name: `${namespace} log` },
    ...tls,
    ...engine,
  };
  return (typeof url === "string" ? url.split(",") : url).map((one) => {
    const { protocol, hostname, port, username, password, pathname } = parse(one);
    return {
      server: {
        protocol: protocol.slice(0, -1),
        hostname: hostname.replace(/^\[|\]$/g, ""),
        ...(port !== "" && { port: Number(port) }),
        ...((username !== "" || password !== "") && {
          username: decodeURIComponent(username),
          password: decodeURIComponent(password),
        }),
        // The client decodes it, as it does not the user.
        vhost: pathname.slice(1),
        heartbeat: heartbeatSeconds,
        frameMax: 131_072,
        channelMax: 0,
      },
      socket,
    };
  });
}

function parse(url: string): URL {
  const parsed = URL.parse(url.trim());
  if (parsed === null || !["amqp:", "amqps:"].includes(parsed.protocol) || parsed.hostname === "")
    throw new Error(`"${shownUrl(url)}" is no address of RabbitMQ; write amqp://host:5672 or amqps://host:5671`);
  return parsed;
}
