import { Redis } from "ioredis";

/** Leaves nothing of a namespace in a Redis that others use. */
export async function removeKeys(url: string, namespace: string): Promise<void> {
  const redis = new Redis(url);
  for await (const keys of redis.scanStream({ match: `${namespace}:*`, count: 1_000 })) {
    if (keys.length > 0) await redis.del(keys);
  }
  redis.disconnect();
}
