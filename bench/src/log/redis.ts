import { randomBytes } from "node:crypto";
import { createRedisLog } from "@banyan/log-redis";
import { overLog } from "./ours.ts";

/** Ours over Redis Streams, in a namespace of its own. */
export function open({ url }: { url: string }) {
  const namespace = `bench-${randomBytes(4).toString("hex")}`;
  const log = createRedisLog({ url, namespace });
  return overLog(log, () => log.unwrap().del(`${namespace}:log`, `${namespace}:log:beyond`));
}
