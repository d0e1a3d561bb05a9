import { randomBytes } from "node:crypto";
import { createJetStreamLog } from "@banyan/log-jetstream";
import { overLog } from "./ours.ts";

/** Ours over JetStream, in a namespace of its own. */
export function open({ url }: { url: string }) {
  const namespace = `bench-${randomBytes(4).toString("hex")}`;
  const log = createJetStreamLog({ url, namespace });
  return overLog(log, async () => {
    for (const stream of [`${namespace}-log`, `KV_${namespace}-groups`])
      await log.unwrap().request(`$JS.API.STREAM.DELETE.${stream}`);
  });
}
