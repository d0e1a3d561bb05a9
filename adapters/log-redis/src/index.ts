export type { RedisLogOptions } from "./options.ts";
export { createRedisLog, type RedisLog } from "./redis-log.ts";
