import { setTimeout as delay } from "node:timers/promises";
import { logFaults } from "@banyan/kernel/log";
import { type Admin, type ClusterTopicMetadata, ConfigResourceTypes, findErrorBy } from "@platformatic/kafka";
import type { KafkaLogOptions } from "./options.ts";

const day = 86_400_000;

export interface TopicOptions {
  readonly name: string;
  readonly options: KafkaLogOptions["topic"];
  /** The largest batch of records that is sent. */
  readonly batchBytesMax: number;
}

/** The topic as it is; made where it was not. Raises `log.misconfigured` where it is not what we need, and what the client does. */
export async function prepareTopic(admin: Admin, topic: TopicOptions): Promise<ClusterTopicMetadata> {
  const { name, options = {}, batchBytesMax } = topic;
  const configs = {
    "cleanup.policy": "delete",
    "retention.ms": String(options.horizonMs ?? 7 * day),
    "max.message.bytes": String(batchBytesMax),
    // The broker's clock, or `read` would begin by those of all who ever wrote.
    "message.timestamp.type": "LogAppendTime",
  };
  try {
    await admin.createTopics({
      topics: [name],
      partitions: options.partitions ?? 6,
      replicas: options.replicas ?? -1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    });
  } catch (error) {
    if (!findErrorBy(error as Error, "apiId", "TOPIC_ALREADY_EXISTS")) throw error;
  }
  const found = await describeTopic(admin, name);
  await check(admin, topic, found.partitionsCount);
  return found;
}

/** Where its partitions are now. A topic that was just made is not known to every broker at once. */
export async function describeTopic(client: Pick<Admin, "metadata">, name: string): Promise<ClusterTopicMetadata> {
  for (let tries = 1; ; tries++) {
    try {
      const { topics } = await client.metadata({ topics: [name], forceUpdate: true });
      const topic = topics.get(name);
      if (topic?.partitions.every(({ leader }) => leader >= 0)) return topic;
    } catch (error) {
      if (tries === 20) throw error;
    }
    if (tries === 20) throw new Error(`the topic ${name} has a partition that no broker leads`);
    await delay(100);
  }
}

async function check(admin: Admin, { name, options, batchBytesMax }: TopicOptions, partitions: number): Promise<void> {
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys: [] }],
  });
  const valueIn = (wanted: string) => described?.configs.find((config) => config.name === wanted)?.value ?? "";
  const differences: string[] = [];
  if (options?.partitions !== undefined && options.partitions !== partitions)
    differences.push(`it has ${partitions} partitions, not ${options.partitions}`);
  if (valueIn("cleanup.policy") !== "delete")
    differences.push(`cleanup.policy is "${valueIn("cleanup.policy")}": all of a key's messages but the last would go`);
  if (Number(valueIn("max.message.bytes")) < batchBytesMax)
    differences.push(`max.message.bytes is ${valueIn("max.message.bytes")}, below ${batchBytesMax}`);
  if (differences.length > 0)
    throw logFaults.misconfigured({ reason: `Kafka's topic ${name} is not ours as it is: ${differences.join("; ")}` });
}
