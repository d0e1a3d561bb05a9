import type { Kv } from "@banyan/kernel/kv";
import type { Environment } from "../project/environment.ts";

/** What keeps keys and values as BANYAN_KV says, not open yet; where none is set, the application's own database. */
export async function kvOf(
  { BANYAN_KV: url, BANYAN_NAMESPACE: namespace }: Pick<Environment, "BANYAN_KV" | "BANYAN_NAMESPACE">,
  databaseUrl: string,
): Promise<Kv> {
  if (url !== undefined && /^rediss?:/.test(url)) {
    const { createRedisKv } = await import("@banyan/kv-redis");
    return createRedisKv({ url, ...(namespace !== undefined && { namespace }) });
  }
  const { createPostgresKv } = await import("@banyan/kv-postgres");
  return createPostgresKv({ url: url ?? databaseUrl });
}
