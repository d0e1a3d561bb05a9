import { logFaults } from "@banyan/kernel/log";
import type { Server } from "./server.ts";

/**
 * Looks whether this Redis can keep a log: no older than 7, no cluster, nothing evicted, and a stream where ours is to be. Answers
 * whether it writes to a file. Raises `log.misconfigured`, `log.unavailable`.
 */
export async function inspect(server: Server, stream: string): Promise<{ readonly writesFile: boolean }> {
  const [info, kind] = await server.ask((redis) => Promise.all([redis.info(), redis.type(stream)]));
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  const policy = value("maxmemory_policy");
  const wrong = [
    Number.parseInt(value("redis_version"), 10) < 7 && `it is Redis ${value("redis_version")} and must be 7 or newer`,
    value("redis_mode") === "cluster" && "it is a cluster, and a log is one stream on one server",
    value("maxmemory") !== "0" &&
      policy.startsWith("allkeys-") &&
      `maxmemory-policy is ${policy}, which deletes streams, and must be noeviction`,
    !["none", "stream"].includes(kind) && `the key "${stream}" holds a ${kind} and must hold a stream`,
  ].filter((reason) => reason !== false);
  if (wrong.length > 0) throw logFaults.misconfigured({ reason: `this Redis keeps no log: ${wrong.join(", ")}` });
  return { writesFile: value("aof_enabled") === "1" };
}
