export { bare } from "./bare.ts";
export { type RedisServer, redisOptions } from "./redis-options.ts";
