import { randomBytes } from "node:crypto";
import { createKafkaLog } from "@banyan/log-kafka";
import { overLog } from "./ours.ts";

/** Ours over Kafka, in a namespace of its own. */
export function open({ url }: { url: string }) {
  const namespace = `bench-${randomBytes(4).toString("hex")}`;
  const log = createKafkaLog({ brokers: url, namespace });
  return overLog(log, () => log.unwrap().admin.deleteTopics({ topics: [`${namespace}.events`] }));
}
