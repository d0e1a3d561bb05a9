import type { LogMessage } from "@banyan/kernel/log";
import type { ConsumeMessage, Options } from "amqplib";

const keyHeader = "banyan-key";

/** Structured CloudEvents over AMQP; `mandatory`, since RabbitMQ confirms what it has put nowhere as well. */
export function propertiesOf({ id, type, key }: LogMessage): Options.Publish {
  return {
    messageId: id,
    type,
    headers: { [keyHeader]: key },
    contentType: "application/cloudevents+json",
    persistent: true,
    mandatory: true,
  };
}

/** A stranger's message has no type but what it was routed by. */
export function typeOf({ properties, fields }: ConsumeMessage): string {
  return typeof properties.type === "string" ? properties.type : fields.routingKey;
}

/** The message of bytes that were read, or why they are none. */
export function messageOf(read: ConsumeMessage, type: string): LogMessage | "no_id" | "no_key" {
  const { messageId, headers } = read.properties;
  if (typeof messageId !== "string" || messageId === "") return "no_id";
  const key: unknown = headers?.[keyHeader];
  if (typeof key !== "string" || key === "") return "no_key";
  return { id: messageId, type, key, body: read.content };
}
