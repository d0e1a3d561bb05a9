export { createKafkaLog, type KafkaClients, type KafkaLog } from "./kafka-log.ts";
export type { KafkaLogOptions } from "./options.ts";
