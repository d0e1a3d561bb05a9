import type { Log } from "@banyan/kernel/log";
import { shownUrl } from "@banyan/kernel/log";
import { usageFailure } from "../failure.ts";
import type { Environment } from "../project/environment.ts";

/** The log that BANYAN_LOG names, not open yet; undefined where none is set, and events stay within the database. */
export async function logOf({
  BANYAN_LOG: url,
  BANYAN_NAMESPACE: namespace,
}: Pick<Environment, "BANYAN_LOG" | "BANYAN_NAMESPACE">): Promise<Log | undefined> {
  if (url === undefined) return undefined;
  const options = { url, ...(namespace !== undefined && { namespace }) };
  switch (url.slice(0, url.indexOf(":"))) {
    case "postgres":
    case "postgresql": {
      const { createPostgresLog } = await import("@banyan/log-postgres");
      return createPostgresLog(options);
    }
    case "nats":
    case "tls": {
      const { createJetStreamLog } = await import("@banyan/log-jetstream");
      return createJetStreamLog(options);
    }
    case "redis":
    case "rediss": {
      const { createRedisLog } = await import("@banyan/log-redis");
      return createRedisLog(options);
    }
    case "amqp":
    case "amqps": {
      const { createRabbitLog } = await import("@banyan/log-rabbitmq");
      return createRabbitLog(options);
    }
    case "kafka": {
      const { createKafkaLog } = await import("@banyan/log-kafka");
      return createKafkaLog({ ...options, brokers: url.slice("kafka://".length) });
    }
  }
  throw usageFailure(
    `BANYAN_LOG is "${shownUrl(url)}", which is no log that is known here.`,
    "Set it to nats://HOST, redis://HOST, amqp://HOST, kafka://HOST:PORT or postgres://HOST/DATABASE, or leave it out: events then stay within the database.",
  );
}
