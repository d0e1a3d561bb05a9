export { type RedisServer, redisOptions } from "./redis-options.ts";
export { withoutCommand } from "./without-command.ts";
