import { randomBytes } from "node:crypto";
import type { Log } from "@banyan/kernel/log";
import { createJetStreamLog } from "@banyan/log-jetstream";
import { createKafkaLog } from "@banyan/log-kafka";
import { createRabbitLog } from "@banyan/log-rabbitmq";
import { createRedisLog } from "@banyan/log-redis";

/** A server as ../shared/infra names and starts it. */
export type EngineName = "nats" | "redis" | "rabbitmq" | "kafka";

/** What a subject is told of the server that it uses. */
export type EngineOptions = { engine: EngineName; server: string };

/** A log, not open, and what removes its traces while it is. `group` is who has read it. */
type Removable = { log: Log; remove(group: string): Promise<unknown> };

/** One in a namespace of its own for each that measures; `remove` leaves nothing of it, once it is closed: who consumes writes to the end. */
export function ownLog({ engine, server }: EngineOptions): Removable {
  const make = () => makers[engine](server, namespace);
  const namespace = `bench-${randomBytes(4).toString("hex")}`;
  const remove = async (group: string) => {
    const again = make();
    await again.log.open({ signal: AbortSignal.timeout(10_000) });
    await again.remove(group);
    await again.log.close({ deadlineMs: 1_000 });
  };
  return { log: make().log, remove };
}

const makers: Record<EngineName, (server: string, namespace: string) => Removable> = {
  nats(url, namespace) {
    const log = createJetStreamLog({ url, namespace });
    const remove = async () => {
      for (const stream of [`${namespace}-log`, `KV_${namespace}-groups`])
        await log.unwrap().request(`$JS.API.STREAM.DELETE.${stream}`);
    };
    return { log, remove };
  },
  redis(url, namespace) {
    const log = createRedisLog({ url, namespace });
    return { log, remove: () => log.unwrap().del(`${namespace}:log`, `${namespace}:log:beyond`) };
  },
  rabbitmq(url, namespace) {
    const log = createRabbitLog({ url, namespace });
    const remove = async (group: string) => {
      const channel = await (await log.unwrap()).createChannel();
      for (const queue of [`group.${group}`, "unclaimed"]) await channel.deleteQueue(`${namespace}.${queue}`);
      for (const exchange of ["events", "unclaimed"]) await channel.deleteExchange(`${namespace}.${exchange}`);
    };
    return { log, remove };
  },
  kafka(brokers, namespace) {
    const log = createKafkaLog({ brokers, namespace });
    return { log, remove: () => log.unwrap().admin.deleteTopics({ topics: [`${namespace}.events`] }) };
  },
};
