import { peer } from "../subject-process.ts";
import type { EngineName } from "./own-log.ts";

/** An engine of a log, and its own client doing the same. */
export type Engine = { engine: EngineName; name: string; server: string | undefined; raw: URL; rawName: string };

/** Those that are started, as BANYAN_TEST_* say; of the others `progress` is told what is left out, and how to start them. */
export function startedEngines(progress: (text: string) => void): (Engine & { server: string })[] {
  return engines.flatMap((each) => {
    const { server, engine, name } = each;
    if (server !== undefined) return [{ ...each, server }];
    progress(
      `without BANYAN_TEST_${engine.toUpperCase()} (../shared/infra/up ${engine}) there are no rows over ${name}`,
    );
    return [];
  });
}

const engines: Engine[] = [
  {
    engine: "nats",
    name: "JetStream",
    server: process.env.BANYAN_TEST_NATS,
    raw: peer("log/jetstream"),
    rawName: "@nats-io/jetstream",
  },
  {
    engine: "redis",
    name: "Redis Streams",
    server: process.env.BANYAN_TEST_REDIS,
    raw: peer("log/redis-streams"),
    rawName: "ioredis",
  },
  {
    engine: "rabbitmq",
    name: "RabbitMQ",
    server: process.env.BANYAN_TEST_RABBITMQ,
    raw: peer("log/amqplib"),
    rawName: "amqplib",
  },
  {
    engine: "kafka",
    name: "Kafka",
    server: process.env.BANYAN_TEST_KAFKA,
    raw: peer("log/platformatic-kafka"),
    rawName: "@platformatic/kafka",
  },
];
