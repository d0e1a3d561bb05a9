export { createRedisKv, type RedisKv, type RedisKvOptions } from "./redis-kv.ts";
