import type { BaseOptions, ConnectionOptions } from "@platformatic/kafka";

/** How to reach Kafka, and what the topic is made like where it is not there yet. */
export interface KafkaLogOptions {
  /** "host:9092", several of one cluster as a list or separated by commas: from any of them the client learns of all others. */
  readonly brokers: string | readonly string[];
  /** Certificates of ours and of whom to trust; `{}` for TLS without any of ours. */
  readonly tls?: ConnectionOptions["tls"];
  /** Who we are: `{ mechanism: "SCRAM-SHA-512", username, password }`. */
  readonly sasl?: ConnectionOptions["sasl"];
  /** The first part of the names of the topic and the groups. Systems that share a cluster must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** What a new topic is made like; one that is there must have as many partitions, where they are given. */
  readonly topic?: {
    /** More than there are now can only be made by hand, and move keys: what is read then is out of order once. Default 6. */
    readonly partitions?: number;
    /** On how many brokers. Default: as the cluster is set up. */
    readonly replicas?: number;
    /** How long messages are kept, whoever has read them, in milliseconds. Default seven days. */
    readonly horizonMs?: number;
  };
  /** The largest `LogMessage.body`. Default 1 MiB. */
  readonly messageBytesMax?: number;
  /** An append that Kafka has not acknowledged for so long is given up. Default 5,000. */
  readonly appendMs?: number;
  /** Anything else that the client takes. */
  readonly engine?: Omit<BaseOptions, Ours>;
}

/** What the log must decide. */
type Ours = "clientId" | "bootstrapBrokers" | "tls" | "sasl" | "retries" | "autocreateTopics";

/** What every client of ours is made with: it tries little itself, since whoever called knows better what to try again. */
export function clientOptions({ brokers, tls, sasl, engine, namespace = "banyan" }: KafkaLogOptions): BaseOptions {
  const list = typeof brokers === "string" ? brokers.split(",") : brokers;
  return {
    connectTimeout: 3_000,
    requestTimeout: 4_000,
    timeout: 4_000,
    retryDelay: 200,
    ...engine,
    ...(tls !== undefined && { tls }),
    ...(sasl !== undefined && { sasl }),
    clientId: `${namespace}-log`,
    bootstrapBrokers: list.map((broker) => addressOf(broker.trim())),
    retries: 2,
    autocreateTopics: false,
  };
}

function addressOf(broker: string): string {
  if (!/^(\[[\da-f:]+\]|[\w.-]+):\d{1,5}$/i.test(broker))
    throw new Error(`"${broker.replace(/.*@/, "***@")}" is no address of Kafka; write host:9092`);
  return broker;
}
