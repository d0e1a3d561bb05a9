import type { Log } from "@banyan/kernel/log";

/** What takes events from the outbox to the subscribers. */
export interface Engine {
  readonly name: string;
  /** The server of ../shared/infra that it needs, found by BANYAN_TEST_<SERVER>; undefined where the database is enough. */
  readonly server: string | undefined;
  /** Its client goes by the address that it is given, so that a proxy can stand there. */
  readonly bearsProxy: boolean;
  /** A client; undefined where events go straight from the outbox. */
  openLog(url: string, namespace: string): Promise<Log | undefined>;
}

/** Every way that events can go. */
export const engines: readonly Engine[] = [
  { name: "outbox", server: undefined, bearsProxy: true, openLog: async () => undefined },
  {
    name: "postgres",
    server: undefined,
    bearsProxy: true,
    openLog: async (url, namespace) => (await import("@banyan/log-postgres")).createPostgresLog({ url, namespace }),
  },
  {
    name: "jetstream",
    server: "nats",
    bearsProxy: true,
    openLog: async (url, namespace) => (await import("@banyan/log-jetstream")).createJetStreamLog({ url, namespace }),
  },
  {
    name: "redis",
    server: "redis",
    bearsProxy: true,
    openLog: async (url, namespace) => (await import("@banyan/log-redis")).createRedisLog({ url, namespace }),
  },
  {
    name: "rabbitmq",
    server: "rabbitmq",
    bearsProxy: true,
    openLog: async (url, namespace) => (await import("@banyan/log-rabbitmq")).createRabbitLog({ url, namespace }),
  },
  {
    name: "kafka",
    server: "kafka",
    // Its brokers tell their clients where they are.
    bearsProxy: false,
    openLog: async (url, namespace) => (await import("@banyan/log-kafka")).createKafkaLog({ brokers: url, namespace }),
  },
];

/** By its name. Throws with those that there are. */
export function engineOf(name: string): Engine {
  const engine = engines.find((one) => one.name === name);
  if (engine === undefined) {
    throw new Error(`No engine is called ${name}. Choose from ${engines.map((one) => one.name).join(", ")}.`);
  }
  return engine;
}
