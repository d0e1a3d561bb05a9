import type { Area, Bench } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import type { Row } from "../row.ts";
import { peer, type Subject } from "../subject-process.ts";

const MESSAGES = 20_000;

/** An engine of a log, as ../shared/infra starts it, and its own client doing the same. */
type Engine = { name: string; url: string | undefined; up: string; ours: URL; raw: URL; rawName: string };

const engines: Engine[] = [
  {
    name: "JetStream",
    url: process.env.BANYAN_TEST_NATS,
    up: "nats",
    ours: new URL("./jetstream.ts", import.meta.url),
    raw: peer("log/jetstream"),
    rawName: "@nats-io/jetstream",
  },
  {
    name: "Redis Streams",
    url: process.env.BANYAN_TEST_REDIS,
    up: "redis",
    ours: new URL("./redis.ts", import.meta.url),
    raw: peer("log/redis-streams"),
    rawName: "ioredis",
  },
  {
    name: "RabbitMQ",
    url: process.env.BANYAN_TEST_RABBITMQ,
    up: "rabbitmq",
    ours: new URL("./rabbitmq.ts", import.meta.url),
    raw: peer("log/amqplib"),
    rawName: "amqplib",
  },
  {
    name: "Kafka",
    url: process.env.BANYAN_TEST_KAFKA,
    up: "kafka",
    ours: new URL("./kafka.ts", import.meta.url),
    raw: peer("log/platformatic-kafka"),
    rawName: "@platformatic/kafka",
  },
];

/** Messages through an engine without any database, beside its own client. */
export const logArea: Area = {
  name: "log",
  about: "publish, consume and acknowledge over JetStream, Redis Streams, RabbitMQ and Kafka, beside their own clients",
  async run(bench: Bench): Promise<Row[]> {
    const rows: Row[] = [];
    for (const engine of engines) rows.push(...(await measureEngine(bench, engine)));
    return rows;
  },
};

async function measureEngine(bench: Bench, { name, url, up, ours, raw, rawName }: Engine): Promise<Row[]> {
  if (url === undefined) {
    bench.progress(`without BANYAN_TEST_${up.toUpperCase()} (../shared/infra/up ${up}) there are no rows over ${name}`);
    return [];
  }
  const options = { url };
  const subjects: Subject[] = [
    { id: "ours", name: "ours", module: ours, options },
    { id: "raw", name: rawName, module: raw, options },
  ];
  const messages = bench.quick ? 200 : MESSAGES;
  const figures = await measureInRounds(bench, { subjects }, async (running) => {
    await running.ask("run", messages);
    const rate = await running.ask<number>("run", messages);
    await running.ask("close");
    return { rate };
  });
  const row = `${name}: publish, consume, acknowledge, ${MESSAGES.toLocaleString("en")} messages`;
  return figures.rows([
    { row, ours: "ours", peer: "raw", metric: "rate", unit: "messages/s", better: "larger", reach: 0.8 },
  ]);
}
