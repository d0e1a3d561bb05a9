import { randomBytes } from "node:crypto";
import { createRabbitLog } from "@banyan/log-rabbitmq";
import { overLog } from "./ours.ts";

/** Ours over RabbitMQ, in a namespace of its own. */
export function open({ url }: { url: string }) {
  const namespace = `bench-${randomBytes(4).toString("hex")}`;
  const log = createRabbitLog({ url, namespace });
  return overLog(log, async () => {
    const channel = await (await log.unwrap()).createChannel();
    for (const queue of ["group.bench", "unclaimed"]) await channel.deleteQueue(`${namespace}.${queue}`);
    for (const exchange of ["events", "unclaimed"]) await channel.deleteExchange(`${namespace}.${exchange}`);
  });
}
