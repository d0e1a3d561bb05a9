export type { RabbitLogOptions } from "./options.ts";
export { createRabbitLog, type RabbitLog } from "./rabbit-log.ts";
