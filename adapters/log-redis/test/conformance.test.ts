import { randomBytes } from "node:crypto";
import { logConformance } from "@banyan/conformance/log";
import { Redis } from "ioredis";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRedisLog } from "../src/index.ts";

describeWithServer("redis", "Redis Streams", (url) => {
  logConformance("Redis Streams", async () => {
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    const stream = `${namespace}:log`;
    const stranger = new Redis(url);
    return {
      createLog: () => createRedisLog({ url, namespace, engine: { retryStrategy: () => 20 } }),
      async interrupt() {
        const clients = String(await stranger.client("LIST")).split("\n");
        const ids = clients
          .filter((line) => line.includes(` name=${stream} `))
          .map((line) => /id=(\d+)/.exec(line)?.[1]);
        await Promise.all(ids.map((id) => stranger.client("KILL", "ID", Number(id))));
      },
      async plant(type) {
        await stranger.xadd(stream, "*", "type", type, "junk", "no message");
      },
      async close() {
        await stranger.del(stream, `${stream}:beyond`);
        stranger.disconnect();
      },
    };
  });
});
