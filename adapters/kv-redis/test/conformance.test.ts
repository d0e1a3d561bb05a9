import { randomBytes } from "node:crypto";
import { kvConformance } from "@banyan/conformance/kv";
import { removeKeys } from "../../../tools/remove-keys.ts";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRedisKv } from "../src/index.ts";

describeWithServer("redis", "Redis", (url) => {
  kvConformance("Redis", async () => {
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    const way = await TestProxy.before(Number(new URL(url).port));
    return {
      createKv: () => createRedisKv({ url: `redis://127.0.0.1:${way.port}`, namespace }),
      way,
      async close() {
        way.close();
        await removeKeys(url, namespace);
      },
    };
  });
});
