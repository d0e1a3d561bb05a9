import { randomBytes } from "node:crypto";
import { busConformance } from "@banyan/conformance/bus";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRedisBus, type RedisBus } from "../src/index.ts";

describeWithServer("redis", "Redis", (url) => {
  busConformance("the pub/sub of Redis", async () => {
    const buses: RedisBus[] = [];
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    return {
      createBus() {
        const bus = createRedisBus({ url, namespace, engine: { retryStrategy: () => 20 } });
        buses.push(bus);
        return bus;
      },
      // As when the server is restarted: each connection breaks, and is made again.
      interrupt() {
        for (const bus of buses) if (bus.unwrap().status === "ready") bus.unwrap().disconnect(true);
      },
      close: async () => {},
    };
  });
});
