import { randomBytes } from "node:crypto";
import { kvConformance } from "@banyan/conformance/kv";
import { Redis } from "ioredis";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRedisKv } from "../src/index.ts";

describeWithServer("redis", "Redis", (url) => {
  kvConformance("Redis", async () => {
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    const stranger = new Redis(url);
    return {
      createKv: () => createRedisKv({ url, namespace }),
      async interrupt() {
        const clients = String(await stranger.client("LIST")).split("\n");
        const ids = clients
          .filter((line) => line.includes(` name=${namespace}:kv `))
          .map((line) => /id=(\d+)/.exec(line)?.[1]);
        await Promise.all(ids.map((id) => stranger.client("KILL", "ID", Number(id))));
      },
      async close() {
        const keys = await stranger.keys(`${namespace}:kv:*`);
        if (keys.length > 0) await stranger.del(...keys);
        stranger.disconnect();
      },
    };
  });
});
