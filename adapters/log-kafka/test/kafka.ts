import { randomBytes } from "node:crypto";
import { Admin } from "@platformatic/kafka";
import type { KafkaLog } from "../src/index.ts";

/** A namespace of one test file alone. */
export const newNamespace = () => `test-${randomBytes(4).toString("hex")}`;

/** Deletes the topic and the groups of a namespace. */
export async function removeNamespace(broker: string, namespace: string): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [broker] });
  const groups = [...(await admin.listGroups()).keys()].filter((group) => group.startsWith(`${namespace}.`));
  if (groups.length > 0) await admin.deleteGroups({ groups });
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${namespace}.`));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.close();
}

/** Breaks every connection that a log has. */
export function cut(log: KafkaLog): void {
  const { admin, producer, readers } = log.unwrap();
  for (const client of [admin, producer, ...readers])
    for (const [, connection] of client.connections) if (connection.isConnected()) connection.socket.destroy();
}
