export type { RedisBusOptions } from "./options.ts";
export { createRedisBus, type RedisBus } from "./redis-bus.ts";
